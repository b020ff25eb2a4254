import type { Redis } from "ioredis";

/** Connections that must lead to the same server: where one is lost, or on request, all are made anew. */
export interface ConnectedTogether extends Disposable {
  reconnect(): void;
}

/** @param on.lost called at once, whichever was lost; on.back whenever one stands again */
export function reconnectTogether(connections: readonly Redis[], on: { lost(): void; back(): void }): ConnectedTogether {
  /** Being closed by us: their end is no further loss. */
  const closing = new Set<Redis>();
  const close = (connection: Redis) => {
    if (connection.status !== "ready" || closing.has(connection)) return;
    closing.add(connection);
    connection.disconnect(true);
  };
  const reconnect = () => {
    on.lost();
    for (const connection of connections) close(connection);
  };
  const watched = connections.map((connection) => {
    const onClose = () => {
      const ours = closing.delete(connection);
      on.lost();
      if (!ours) for (const other of connections) close(other);
    };
    connection.on("close", onClose);
    connection.on("ready", on.back);
    return () => {
      connection.off("close", onClose);
      connection.off("ready", on.back);
    };
  });
  return {
    reconnect,
    [Symbol.dispose]: () => {
      for (const stop of watched) stop();
    },
  };
}

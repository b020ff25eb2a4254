import { setTimeout as delay } from "node:timers/promises";
import { type CallEnd, connectGrpc, type GrpcConnection } from "../http2/grpc-connection.ts";

/** Connections to one server, each replaced when it ends. */
export interface CallPool extends AsyncDisposable {
  /** Begins a call on the next connection with room and returns what cancels it; undefined, and `request` is not called, where there is none. */
  begin(request: () => Uint8Array, ended: (end: CallEnd) => void, timeoutMs: number): (() => void) | undefined;
  readonly faults: { connectionsLost: number; connectionsSentAway: number; connectsFailed: number };
}

/** Between two attempts to connect, the first wait of gRPC clients (connection-backoff.md). */
const RECONNECT_MS = 1_000;

export async function createCallPool(to: {
  address: string;
  path: string;
  key: string;
  timeoutMs: number;
  connections: number;
}): Promise<CallPool> {
  const connect = () => connectGrpc(to.address, to.path, to.key, to.timeoutMs);
  const all: GrpcConnection[] = await Promise.all(Array.from({ length: to.connections }, connect));
  const stopping = new AbortController();
  const replacing = new Map<number, Promise<void>>();
  const faults = { connectionsLost: 0, connectionsSentAway: 0, connectsFailed: 0 };
  let turn = 0;

  async function replace(i: number): Promise<void> {
    if (all[i]!.ending === "lost") faults.connectionsLost++;
    else faults.connectionsSentAway++;
    while (!stopping.signal.aborted) {
      try {
        all[i] = await connect();
        return;
      } catch {
        faults.connectsFailed++;
        await delay(RECONNECT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }
  const connectionWithRoom = (): GrpcConnection | undefined => {
    for (let tried = 0; tried < all.length; tried++) {
      turn = (turn + 1) % all.length;
      const [i, connection] = [turn, all[turn]!];
      if (connection.room > 0) return connection;
      if (connection.ending !== "no" && !replacing.has(i))
        replacing.set(
          i,
          replace(i).finally(() => replacing.delete(i)),
        );
    }
    return undefined;
  };
  return {
    faults,
    begin(request, ended, timeoutMs) {
      const connection = connectionWithRoom();
      if (!connection) return undefined;
      const stream = connection.begin(request(), ended, timeoutMs);
      return () => connection.cancel(stream);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(replacing.values());
      for (const connection of all) connection[Symbol.dispose]();
    },
  };
}

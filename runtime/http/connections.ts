import type { Server } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";

/** Connections accepted above the bound in one turn of the event loop, before the closed ones are gone. Further ones are dropped. */
const BURST = 64;

export interface BoundConnections {
  /** A complete request came in on the connection: it is not closed before the answer. */
  busy(socket: Socket): void;
}

/**
 * Bounds a server's connections. Beyond `max` the one that has been without a complete request for longest is closed: a normal request takes
 * milliseconds, so clients that hold connections open or send slowly lose their own, and others still connect.
 */
export function boundConnections(
  server: Server | HttpsServer,
  max: number,
  onClosed: (peer: string | undefined) => void,
): BoundConnections {
  /** Without a complete request, the longest first. By address: over TLS a request's socket is not the connection's. */
  const waiting = new Map<string, Socket>();
  let open = 0;
  server.maxConnections = max + BURST;
  server.on("connection", (socket: Socket) => {
    const key = keyOf(socket);
    open += 1;
    waiting.set(key, socket);
    socket.once("close", () => {
      open -= 1;
      if (waiting.get(key) === socket) waiting.delete(key);
    });
    if (open <= max) return;
    const [oldest] = waiting.values();
    onClosed(oldest?.remoteAddress);
    oldest?.destroy();
  });
  server.on("drop", (dropped) => onClosed(dropped?.remoteAddress));
  server.on("request", ({ socket }, response) => {
    const key = keyOf(socket);
    response.once("close", () => {
      waiting.delete(key);
      if (!socket.destroyed) waiting.set(key, socket);
    });
  });
  return { busy: (socket) => void waiting.delete(keyOf(socket)) };
}

const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

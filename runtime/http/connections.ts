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
  /** By address, because over TLS a request's socket is not the connection's. */
  const open = new Map<string, Socket>();
  /** Those without a complete request, the longest first. */
  const waiting = new Set<Socket>();
  let count = 0;
  server.maxConnections = max + BURST;
  server.on("connection", (socket: Socket) => {
    const key = keyOf(socket);
    count += 1;
    open.set(key, socket);
    waiting.add(socket);
    socket.once("close", () => {
      count -= 1;
      waiting.delete(socket);
      if (open.get(key) === socket) open.delete(key);
    });
    if (count <= max) return;
    const [oldest] = waiting.values();
    onClosed(oldest?.remoteAddress);
    oldest?.destroy();
  });
  server.on("drop", (dropped) => onClosed(dropped?.remoteAddress));
  server.on("request", ({ socket }, response) => {
    const connection = open.get(keyOf(socket));
    if (connection === undefined) return;
    response.once("close", () => {
      waiting.delete(connection);
      if (!connection.destroyed) waiting.add(connection);
    });
  });
  return {
    busy(socket) {
      const connection = open.get(keyOf(socket));
      if (connection !== undefined) waiting.delete(connection);
    },
  };
}

const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

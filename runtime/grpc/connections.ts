import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { CONNECTIONS_MAX, HANDSHAKE_MS, KNOWN_CONNECTION_WINDOW_BYTES, KNOWN_STREAM_WINDOW_BYTES, WASTED_CALLS_MAX } from "./limits.ts";
import type { Rejections } from "./rejections.ts";

/** What is left to send on a connection that is closed, in ms. */
const FAREWELL_MS = 1_000;

/** One client's connection. */
export interface Connection {
  /** The other end's address and port. */
  readonly peer: string;
  /** Somebody known calls over it: it is kept when the limit is reached, and has larger windows. */
  prove(): void;
  /** Counts a call that came to nothing. After WASTED_CALLS_MAX of a stranger's, the connection is closed. */
  waste(): void;
}

/** The connections of one listener. */
export interface Connections extends Disposable {
  /** False, and the connection is closed, where the limit is reached by others. */
  admit(socket: Socket): boolean;
  /** Ends the time of the handshake when the client's settings arrive. */
  established(session: ServerHttp2Session): void;
  of(session: ServerHttp2Session | undefined): Connection | undefined;
  readonly count: number;
}

interface Open extends Connection {
  readonly key: string;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  session: ServerHttp2Session | undefined;
  wasted: number;
}

/**
 * Counts connections from their first packet, before TLS. At the limit the oldest one that has carried no admitted call makes room, so that
 * strangers cannot keep callers out by holding connections; where there is none, the new one is closed.
 */
export function createConnections(
  rejections: Rejections,
  {
    connectionsMax = CONNECTIONS_MAX,
    handshakeMs = HANDSHAKE_MS,
  }: { connectionsMax?: number | undefined; handshakeMs?: number | undefined } = {},
): Connections {
  // A session's socket is a proxy, and with TLS another one than ours: only the addresses are the same.
  const open = new Map<string, Open>();
  const unproven = new Set<Open>();
  const sessions = new WeakMap<ServerHttp2Session, Open>();

  function close(connection: Open, reason: "connection-limit" | "handshake"): void {
    rejections.count(reason, connection.peer);
    connection.socket.destroy();
  }

  return {
    get count() {
      return open.size;
    },
    admit(socket) {
      const key = keyOf(socket);
      if (key === undefined) {
        socket.destroy();
        return false;
      }
      const connection: Open = {
        key,
        peer: `${socket.remoteAddress}:${socket.remotePort}`,
        socket,
        timer: setTimeout(() => close(connection, "handshake"), handshakeMs).unref(),
        session: undefined,
        wasted: 0,
        prove() {
          if (unproven.delete(connection)) enlargeWindows(connection.session);
        },
        waste() {
          if (!unproven.has(connection) || ++connection.wasted !== WASTED_CALLS_MAX) return;
          rejections.count("wasted-calls", connection.peer);
          // The answers to the calls so far may still be sent. The client connects again, and waits longer each time.
          connection.session?.close();
          setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
        },
      };
      // TLS and HTTP/2 handle errors of their own; until they take over, a reset must not be an uncaught error.
      socket.on("error", () => undefined);
      socket.once("close", () => {
        clearTimeout(connection.timer);
        unproven.delete(connection);
        if (open.get(key) === connection) open.delete(key);
      });
      if (open.size >= connectionsMax) {
        const [oldest] = unproven;
        close(oldest ?? connection, "connection-limit");
        if (!oldest) return false;
        // Its close event comes later; the place is free now.
        unproven.delete(oldest);
        open.delete(oldest.key);
      }
      open.set(key, connection);
      unproven.add(connection);
      return true;
    },
    established(session) {
      const key = session.socket && keyOf(session.socket);
      const connection = key === undefined ? undefined : open.get(key);
      if (!connection) return;
      connection.session = session;
      sessions.set(session, connection);
      session.once("remoteSettings", () => clearTimeout(connection.timer));
    },
    of: (session) => session && sessions.get(session),
    [Symbol.dispose]() {
      for (const { socket } of open.values()) socket.destroy();
    },
  };
}

function enlargeWindows(session: ServerHttp2Session | undefined): void {
  if (!session || session.closed || session.destroyed) return;
  session.setLocalWindowSize(KNOWN_CONNECTION_WINDOW_BYTES);
  session.settings({ initialWindowSize: KNOWN_STREAM_WINDOW_BYTES });
}

/** Undefined when the other end is gone already. */
function keyOf({
  remoteAddress,
  remotePort,
  localAddress,
}: Pick<Socket, "remoteAddress" | "remotePort" | "localAddress">): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress}|${remotePort}|${localAddress}`;
}

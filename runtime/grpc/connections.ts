import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import {
  CONNECTIONS_MAX,
  HANDSHAKE_MS,
  KNOWN_CONNECTION_WINDOW_BYTES,
  KNOWN_STREAM_WINDOW_BYTES,
  OPEN_CALLS_PER_SECOND,
  WASTED_CALLS_MAX,
} from "./limits.ts";
import type { Rejection, Rejections } from "./rejections.ts";

/** How long a connection that is closed may take to send what is left, in ms. */
const FAREWELL_MS = 1_000;

/** One client's connection. */
export interface Connection {
  /** The other end's address and port. */
  readonly peer: string;
  /** Somebody known calls over it: it is kept when the limit is reached, and has larger windows. */
  prove(callerKey: string): void;
  /** Whose admitted call was the latest; undefined: there was none. */
  readonly callerKey: string | undefined;
  /**
   * Counts a call that came to nothing by its caller's fault. After WASTED_CALLS_MAX of them without an admitted call the connection is closed;
   * once there was one, only calls without a valid key count, as after the revocation of the key.
   */
  waste(reason: Rejection | "reset"): void;
  /**
   * One more call that anybody may make. False beyond OPEN_CALLS_PER_SECOND on a connection without an admitted call of another kind: it is closed.
   */
  mayAsk(): boolean;
  /** Between these two a connection is not idle. */
  callBegan(): void;
  callEnded(): void;
}

/** The connections of one listener. */
export interface Connections extends Disposable {
  /**
   * Where the limit is reached, another one makes room.
   * @param spoken called when the first bytes have arrived; they can still be read. A connection that ends without any, as the probes of load
   *   balancers do, leaves no trace.
   */
  admit(socket: Socket, spoken: () => void): void;
  /** Ends the time of the handshake when the client's settings arrive. */
  established(session: ServerHttp2Session): void;
  of(session: ServerHttp2Session | undefined): Connection | undefined;
  readonly count: number;
}

interface Open extends Connection {
  callerKey: string | undefined;
  readonly key: string;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  session: ServerHttp2Session | undefined;
  wasted: number;
  /** The client's settings have arrived. */
  established: boolean;
  /** Calls that anybody may make, in the second after `askedSince`. */
  asked: number;
  askedSince: number;
  /** Under way. */
  calls: number;
  /** When the latest call ended. */
  usedAt: number;
}

/** Rejections that do not count as wasted calls: they are our fault, or that of other callers. */
const NOT_WASTE: ReadonlySet<Rejection | "reset"> = new Set(["identity-unavailable", "overloaded", "stream-limit"]);

/**
 * Counts connections from their first packet, before TLS. At the limit the oldest connection that has carried no admitted call is closed, so that
 * nobody without a key can keep callers out by holding connections. Where there is none, the caller with the most connections loses the one that
 * has been idle for longest.
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

  /** The calls so far may still be answered. The client connects again. */
  function dismiss({ session, socket }: Open): void {
    if (session && !session.destroyed) session.close();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }

  /** Frees one place. */
  function makeRoom(): void {
    const [oldestUnproven] = unproven;
    const leaving = oldestUnproven ?? longestIdle(ofMostFrequent([...open.values()]));
    if (!leaving) return;
    // Its close event comes later; the place is free now.
    unproven.delete(leaving);
    open.delete(leaving.key);
    rejections.count("connection-limit", leaving.peer);
    if (oldestUnproven) oldestUnproven.socket.destroy();
    else dismiss(leaving);
  }

  return {
    get count() {
      return open.size;
    },
    admit(socket, spoken) {
      const key = keyOf(socket);
      if (key === undefined) {
        socket.destroy();
        return;
      }
      const connection: Open = {
        key,
        peer: `${socket.remoteAddress}:${socket.remotePort}`,
        socket,
        timer: setTimeout(() => {
          rejections.count("handshake", connection.peer);
          socket.destroy();
        }, handshakeMs).unref(),
        session: undefined,
        wasted: 0,
        established: false,
        asked: 0,
        askedSince: 0,
        calls: 0,
        usedAt: performance.now(),
        callerKey: undefined,
        prove(callerKey) {
          connection.callerKey = callerKey;
          connection.wasted = 0;
          if (unproven.delete(connection)) enlargeWindows(connection.session);
        },
        waste(reason) {
          if (NOT_WASTE.has(reason) || (connection.callerKey !== undefined && reason !== "unauthenticated")) return;
          if (++connection.wasted !== WASTED_CALLS_MAX) return;
          rejections.count("wasted-calls", connection.peer);
          dismiss(connection);
        },
        mayAsk() {
          if (connection.callerKey !== undefined) return true;
          const now = performance.now();
          if (now - connection.askedSince >= 1_000) {
            connection.askedSince = now;
            connection.asked = 0;
          }
          if (++connection.asked === OPEN_CALLS_PER_SECOND + 1) {
            rejections.count("wasted-calls", connection.peer);
            dismiss(connection);
          }
          return connection.asked <= OPEN_CALLS_PER_SECOND;
        },
        callBegan: () => void connection.calls++,
        callEnded() {
          connection.calls--;
          connection.usedAt = performance.now();
        },
      };
      // TLS and HTTP/2 handle errors of their own; until they take over, a reset must not be an uncaught error.
      socket.on("error", () => undefined);
      socket.once("close", () => {
        clearTimeout(connection.timer);
        unproven.delete(connection);
        if (open.get(key) === connection) open.delete(key);
      });
      if (open.size >= connectionsMax) makeRoom();
      open.set(key, connection);
      unproven.add(connection);
      onFirstBytes(socket, spoken);
      socket.once("end", () => {
        if (!connection.session) socket.destroy();
      });
    },
    established(session) {
      const key = session.socket && keyOf(session.socket);
      const connection = key === undefined ? undefined : open.get(key);
      if (!connection) return;
      connection.session = session;
      sessions.set(session, connection);
      // The other end sends no more; what it has asked for is answered. With TLS only the session's own socket tells it.
      session.socket.once("end", () => {
        if (connection.established) session.close();
        else connection.socket.destroy();
      });
      session.once("remoteSettings", () => {
        connection.established = true;
        clearTimeout(connection.timer);
      });
    },
    of: (session) => session && sessions.get(session),
    [Symbol.dispose]() {
      for (const { socket } of open.values()) socket.destroy();
    },
  };
}

/** The connections of the caller that has the most. */
function ofMostFrequent(connections: readonly Open[]): readonly Open[] {
  let most: readonly Open[] = [];
  for (const group of Map.groupBy(connections, ({ callerKey }) => callerKey).values()) if (group.length > most.length) most = group;
  return most;
}

/** One without a call under way, if there is one. */
const longestIdle = (connections: readonly Open[]): Open | undefined =>
  connections.reduce<Open | undefined>((idlest, connection) => {
    if (!idlest || idlest.calls > 0 !== connection.calls > 0) return idlest && idlest.calls === 0 ? idlest : connection;
    return connection.usedAt < idlest.usedAt ? connection : idlest;
  }, undefined);

function onFirstBytes(socket: Socket, spoken: () => void): void {
  socket.once("readable", () => {
    const first: Buffer | null = socket.read();
    if (first === null) return;
    socket.unshift(first);
    spoken();
  });
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

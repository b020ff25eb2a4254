import { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders, connect as overSocket } from "node:http2";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { type ClientCertificate, type ProviderConnections, trusting } from "./provider-connections.ts";

/** Longest wait for the handshake and the server's SETTINGS, in ms. */
const CONNECT_MS = 5_000;
/** Between two keep-alive segments of an idle connection, in ms: a dead one is noticed before the next call needs it. */
const KEEP_ALIVE_MS = 60_000;
/** A connection that was silent for this share of a call's deadline, while calls wait on it, is sent a PING. */
const SILENCE_SHARE = 0.3;
/** How long the answer to the PING may take, as a share of the deadline; after it other calls use another connection. */
const PONG_SHARE = 0.2;
/** After a stream was cut off, which may be the first sign of a connection's end, until another call is put on it, in ms. */
const CUT_OFF_MS = 20;
/** Memory of a session, in MB; Node's limit of 10 is for servers, and 1,000 calls at once may need more. */
const SESSION_MEMORY_MB = 64;

export interface Http2Options extends Omit<ProviderConnections, "connectionsMax"> {
  deadlineMs: number;
  /** Absent: the server asks for none. */
  certificate?: ClientCertificate | undefined;
  /** Calls at once; the server's own limit, in its SETTINGS, is kept where it is lower. */
  streamsMax: number;
}

/** One connection to one origin. */
export interface Http2Session {
  /** Whether it will take another stream, now or once others have ended. */
  isUsable(): boolean;
  /** Whether it takes one now. */
  hasRoom(): boolean;
  /** Since the last stream ended, in ms; 0 while one is open or the connection is being made. */
  idleMs(): number;
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream;
  /** Takes no further streams; closes once those that are open have ended. */
  retire(): void;
  destroy(): void;
}

export interface SessionEvents {
  /** It may have room now, or not be usable any more. */
  changed(): void;
  /** It has ended. @param untried where no stream was opened on it: then why */
  ended(untried: unknown): void;
}

export class Http2Error extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Opens a connection. Nothing is sent on it before the server has agreed to HTTP/2 and told its settings. */
export function openHttp2Session(options: Http2Options, events: SessionEvents): Http2Session {
  const { deadlineMs, streamsMax } = options;
  let session: ClientHttp2Session | undefined;
  let limit = 0;
  let open = 0;
  let opened = 0;
  let retired = false;
  let ended = false;
  let heardAt = performance.now();
  let checking: NodeJS.Timeout | undefined;

  const socket = openSocket(options);
  const late = setTimeout(() => end(new Http2Error("ERR_CONNECT_TIMEOUT", "no connection in time")), Math.min(CONNECT_MS, deadlineMs));
  socket.on("error", end);
  socket.on("close", () => end(new Http2Error("ECONNRESET", "the connection was closed")));
  socket.once("secureConnect", () => {
    // A server without HTTP/2 would answer nothing, or cut the connection, and leave every call in doubt.
    if (socket.alpnProtocol !== "h2") return end(new Http2Error("ERR_NO_HTTP2", "the server does not speak HTTP/2"));
    session = overSocket(options.origin, {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    session.on("remoteSettings", ({ maxConcurrentStreams = streamsMax }) => {
      clearTimeout(late);
      heardAt = performance.now();
      limit = Math.min(streamsMax, maxConcurrentStreams);
      events.changed();
    });
    session.on("goaway", events.changed);
    session.on("error", end);
    session.on("close", () => end(new Http2Error("ECONNRESET", "the connection was closed")));
  });

  function end(error: unknown): void {
    if (ended) return;
    ended = true;
    clearTimeout(late);
    clearTimeout(checking);
    session?.destroy();
    socket.destroy();
    events.ended(opened === 0 ? error : undefined);
  }

  /** Runs while streams are open. */
  function check(pingedAt?: number): void {
    checking = undefined;
    if (open === 0 || ended || retired) return;
    const now = performance.now();
    if (pingedAt !== undefined && heardAt < pingedAt) {
      retire();
      return;
    }
    const silent = now - heardAt >= deadlineMs * SILENCE_SHARE;
    if (silent) session?.ping((error) => error === null && heard());
    checking = setTimeout(check, deadlineMs * (silent ? PONG_SHARE : SILENCE_SHARE), silent ? now : undefined);
  }

  const heard = () => {
    heardAt = performance.now();
  };

  function retire(): void {
    retired = true;
    // The streams that are open may still be answered until their own deadlines.
    if (open === 0) end(undefined);
    events.changed();
  }

  const isUsable = () => !ended && !retired && !session?.closed && !session?.destroyed;
  return {
    isUsable,
    hasRoom: () => open < limit && isUsable(),
    idleMs: () => (open === 0 && limit > 0 ? performance.now() - heardAt : 0),
    open(headers) {
      if (session === undefined) throw new Http2Error("ERR_HTTP2_INVALID_SESSION", "no connection");
      const stream = session.request(headers);
      opened++;
      if (open++ === 0) {
        heardAt = performance.now();
        checking ??= setTimeout(check, deadlineMs * SILENCE_SHARE);
      }
      let isAnswered = false;
      stream.on("response", () => {
        isAnswered = true;
        heard();
      });
      stream.on("close", () => {
        open--;
        if (open === 0) heardAt = performance.now();
        if (open === 0 && retired) end(undefined);
        if (isAnswered) events.changed();
        else setTimeout(events.changed, CUT_OFF_MS);
      });
      return stream;
    },
    retire,
    destroy: () => end(new Http2Error("ECONNRESET", "the connection was closed")),
  };
}

function openSocket({ origin, ca, certificate, addressFilter }: Http2Options): TLSSocket {
  const { hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ["h2"],
    secureContext: trusting(ca, certificate),
    ...(addressFilter && { lookup: addressFilter.lookup }),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}

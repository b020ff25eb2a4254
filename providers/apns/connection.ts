import { AsyncLocalStorage } from "node:async_hooks";
import { TLSSocket } from "node:tls";
import { ApnsClient, type Notification } from "apns2";
import { buildConnector, type Dispatcher, Pool } from "undici";
import type { MayBegin } from "../../core/ports/provider.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { AddressFilter } from "../../runtime/outbound.ts";
import { PROVIDER_ANSWER_BYTES_MAX, trusting } from "../transport/provider-connections.ts";
import type { SigningToken } from "./signing-token.ts";

/** Few, because Apple takes quick connecting and disconnecting for an attack, and each carries many pushes at once. */
const CONNECTIONS_MAX = 4;
/** Pushes at once on one connection; Apple's own limit, in its SETTINGS, is kept where it is lower (at first it is 1). */
const STREAMS_MAX = 500;
/** Apple: keep connections open. ms until an idle one is closed. */
const IDLE_MS = 3_600_000;
const CONNECT_MS = 5_000;
/** The share of the deadline after which a silent connection is probed, so that a dead one is replaced before every push dies on it. */
const SILENCE_SHARE = 0.9;

export interface ApnsConnectionOptions {
  origin: string;
  ca: string;
  addressFilter: AddressFilter | undefined;
  deadlineMs: number;
  topic: string;
  token: SigningToken;
}

/** One push as it goes over the wire. */
export interface ApnsCall {
  /** Our own id for it; APNs repeats it in its answer. */
  apnsId: string;
  signal: AbortSignal;
  mayBegin: MayBegin;
  /** Set once a byte of the request may have left. */
  written: boolean;
  /** Set with it: resets the stream. */
  stop?: () => void;
}

/**
 * apns2's client with three things it offers no option for: connections of our own (another origin, trust, many pushes at once), the apns-id
 * header, and a signing token that is never made too often. Rejects with ApnsError or with the transport's error.
 */
export interface ApnsConnection {
  send(notification: Notification, call: ApnsCall): Promise<void>;
  destroy(): Promise<void>;
}

export function createApnsConnection({ origin, ca, addressFilter, deadlineMs, topic, token }: ApnsConnectionOptions): ApnsConnection {
  const calls = new AsyncLocalStorage<ApnsCall>();
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    allowH2: true,
    // Waits for the server's SETTINGS before a second stream. Repeats by itself only what the server said it did not process (RFC 9113 8.7).
    h2Options: { maxConcurrentStreams: STREAMS_MAX, pingInterval: 0 },
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    headersTimeout: Math.ceil(deadlineMs * SILENCE_SHARE),
    bodyTimeout: deadlineMs,
    maxResponseSize: PROVIDER_ANSWER_BYTES_MAX,
    connect: overHttp2({
      ...{ timeout: Math.min(CONNECT_MS, deadlineMs), secureContext: trusting(ca), allowH2: true },
      ...(addressFilter && { lookup: addressFilter.lookup }),
    }),
  });
  // Team and key go unused: the token is ours.
  const client = new ApnsClient({ team: "", keyId: "", signingKey: "", defaultTopic: topic });
  const unused = client.client;
  let jwt = "";
  Object.assign(client, { client: pool.compose(marked(calls)), _getSigningToken: () => jwt });
  return {
    async send(notification, call) {
      call.signal.throwIfAborted();
      // send() reads it before it first waits.
      jwt = await token.current();
      const sending = calls.run(call, () => client.send(notification));
      try {
        await withDeadline(sending, call);
      } finally {
        // Not in the tick that opened it: Node 24 then writes that stream's frames without end (nghttp2, before the server's SETTINGS).
        if (call.signal.aborted && call.stop !== undefined) setImmediate(call.stop);
      }
    },
    async destroy() {
      await Promise.all([client.destroy(), unused.destroy()]);
    },
  };
}

/** Nothing was sent: the connection was closed before the first request. */
class NoHttp2Error extends Error {
  readonly code = "ERR_NO_HTTP2";
}

/**
 * Connects, and closes what the server did not agree to speak HTTP/2 on. undici would go on in HTTP/1.1, and a server that answers nothing there, or
 * cuts the connection, leaves every push in doubt.
 */
function overHttp2(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (to, callback) =>
    connect(to, (...[error, socket]) => {
      if (error) return callback(error, null);
      if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") return callback(null, socket);
      socket.destroy();
      callback(new NoHttp2Error("the server does not speak HTTP/2"), null);
    });
}

/** Sends the call's apns-id, notes when it is written, and stops it once its signal aborts, also where it still waits for a connection. */
const marked =
  (calls: AsyncLocalStorage<ApnsCall>): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) => {
    const call = calls.getStore();
    if (call === undefined) throw new Error("a push outside of send()");
    return dispatch(
      { ...options, idempotent: false, headers: { ...asRecord(options.headers), "apns-id": call.apnsId } },
      {
        onRequestStart(controller, context) {
          handler.onRequestStart?.(controller, context);
          call.stop = () => controller.abort(new DOMException("the deadline passed", "AbortError"));
          if (call.signal.aborted || !call.mayBegin()) return call.stop();
          call.written = true;
        },
        onResponseStart: (...args) => handler.onResponseStart?.(...args),
        onResponseData: (...args) => handler.onResponseData?.(...args),
        onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
        onResponseError: (...args) => handler.onResponseError?.(...args),
      },
    );
  };

const asRecord = (headers: Dispatcher.DispatchOptions["headers"]): Record<string, string> =>
  typeof headers === "object" && headers !== null ? (headers as Record<string, string>) : {};

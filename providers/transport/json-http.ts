import { type Dispatcher, Pool } from "undici";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { ALWAYS, type MayBegin } from "../../core/ports/provider.ts";
import { parseJson } from "../../runtime/http/parse.ts";
import {
  PROVIDER_ANSWER_BYTES_MAX,
  PROVIDER_SOCKET_IDLE_MS,
  PROVIDER_SOCKETS_MAX,
  type ProviderConnections,
  trusting,
} from "./provider-connections.ts";
import { classifyTransport } from "./transport-fault.ts";

/** An answer, or the outcome where there is none. */
export type Exchanged =
  | { kind: "answer"; status: number; headers: Record<string, string | string[] | undefined>; body: unknown }
  | { kind: "none"; outcome: Outcome };

export interface JsonHttp extends AsyncDisposable {
  /** One POST, never repeated or redirected. `body` of the answer is undefined where it is not JSON. Never rejects. */
  post(path: string, headers: Record<string, string>, body: unknown, signal: AbortSignal, mayBegin?: MayBegin): Promise<Exchanged>;
  /** The same with the fields of a form as its body. */
  postForm(
    path: string,
    headers: Record<string, string>,
    fields: Record<string, string>,
    signal: AbortSignal,
    mayBegin?: MayBegin,
  ): Promise<Exchanged>;
  /** One GET, likewise. */
  get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Exchanged>;
}

interface Seen {
  written: boolean;
}

interface Watched {
  signal: AbortSignal;
  mayBegin: MayBegin;
  seen: Seen;
}

type Call = Pick<Dispatcher.RequestOptions, "path" | "method" | "headers" | "body">;

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Uint8Array;
}

/** JSON over HTTP/1.1 to one origin, for the providers we call without an SDK. */
export function createJsonHttp({ origin, ca, addressFilter, connectionsMax = PROVIDER_SOCKETS_MAX }: ProviderConnections): JsonHttp {
  const secureContext = trusting(ca);
  const pool = new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: PROVIDER_SOCKET_IDLE_MS,
    maxResponseSize: PROVIDER_ANSWER_BYTES_MAX,
    connect: { ...(secureContext && { secureContext }), ...(addressFilter && { lookup: addressFilter.lookup }) },
  });
  async function exchange(call: Call, signal: AbortSignal, mayBegin: MayBegin): Promise<Exchanged> {
    const seen: Seen = { written: false };
    try {
      const { status, headers, bytes } = await dispatched(pool, call, { signal, mayBegin, seen });
      return { kind: "answer", status, headers, body: parseJson(utf8.decode(bytes)) };
    } catch (error) {
      return { kind: "none", outcome: classifyTransport(error, { written: seen.written }) };
    }
  }
  const accept = "application/json";
  return {
    post(path, headers, body, signal, mayBegin = ALWAYS) {
      const sent = { "content-type": "application/json", accept, ...headers };
      return exchange({ path, method: "POST", headers: sent, body: JSON.stringify(body) }, signal, mayBegin);
    },
    postForm(path, headers, fields, signal, mayBegin = ALWAYS) {
      const sent = { "content-type": "application/x-www-form-urlencoded", accept, ...headers };
      return exchange({ path, method: "POST", headers: sent, body: new URLSearchParams(fields).toString() }, signal, mayBegin);
    },
    get: (path, headers, signal) => exchange({ path, method: "GET", headers: { accept, ...headers } }, signal, ALWAYS),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

const utf8 = new TextDecoder();
const tooLate = () => new DOMException("the deadline passed", "AbortError");

/**
 * Rejects as soon as the signal aborts. undici starts a request only on a connection that stands, just before its first byte; until then the
 * request waits, and is not written once its turn comes. Its own request() makes two streams and an interceptor for each call: 180 us of CPU a
 * send to FCM instead of 133.
 */
async function dispatched(pool: Pool, call: Call, { signal, mayBegin, seen }: Watched): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  if (signal.aborted) throw tooLate();
  let running: Dispatcher.DispatchController | undefined;
  const stop = () => {
    reject(tooLate());
    running?.abort(tooLate());
  };
  const [answer, chunks]: [Pick<Answer, "status" | "headers">, Buffer[]] = [{ status: 0, headers: {} }, []];
  const ended = () => signal.removeEventListener("abort", stop);
  signal.addEventListener("abort", stop, { once: true });
  pool.dispatch(call, {
    onRequestStart(controller) {
      if (signal.aborted || !mayBegin()) return controller.abort(tooLate());
      running = controller;
      seen.written = true;
    },
    onResponseStart(_, status, headers) {
      // Of an answer that announces another one (RFC 9110 section 15.2) nothing is kept: that one takes its place.
      Object.assign(answer, { status, headers });
    },
    onResponseData: (_, chunk) => void chunks.push(chunk),
    onResponseEnd() {
      ended();
      resolve({ ...answer, bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
    },
    onResponseError(_, error) {
      ended();
      reject(error);
    },
  });
  return promise;
}

import { type Dispatcher, Pool } from "undici";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { ALWAYS, type MayBegin } from "../../core/ports/provider.ts";
import { withDeadline } from "../../runtime/deadline.ts";
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
  /** One GET, likewise. */
  get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Exchanged>;
}

interface Seen {
  written: boolean;
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
  type Call = Pick<Dispatcher.RequestOptions, "path" | "method" | "headers" | "body">;
  async function exchange(call: Call, signal: AbortSignal, mayBegin: MayBegin): Promise<Exchanged> {
    const seen: Seen = { written: false };
    const send = async () => {
      const answer = await pool.compose(noticeWriting(seen, signal, mayBegin)).request({ ...call, signal });
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
    };
    try {
      signal.throwIfAborted();
      const { status, headers, text } = await withDeadline(send(), { signal });
      return { kind: "answer", status, headers, body: parseJson(text) };
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
    get: (path, headers, signal) => exchange({ path, method: "GET", headers: { accept, ...headers } }, signal, ALWAYS),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

/** undici starts a request only on a connection that stands, just before its first byte; until then it waits, and forgets it is aborted. */
function noticeWriting(seen: Seen, signal: AbortSignal, mayBegin: MayBegin): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        if (signal.aborted || !mayBegin()) return controller.abort(new DOMException("deadline", "AbortError"));
        seen.written = true;
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

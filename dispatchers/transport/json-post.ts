import { type Dispatcher, Pool } from "undici";
import type { Outcome } from "../../core/outcome.ts";
import {
  PROVIDER_ANSWER_BYTES_MAX,
  PROVIDER_SOCKET_IDLE_MS,
  PROVIDER_SOCKETS_MAX,
  type ProviderConnections,
  trusting,
} from "./provider-connections.ts";
import { classifyTransport } from "./transport-fault.ts";
import { untilAborted } from "./until-aborted.ts";

/** An answer, or what follows from there being none. */
export type Posted =
  | { kind: "answer"; status: number; headers: Record<string, string | string[] | undefined>; body: unknown }
  | { kind: "none"; outcome: Outcome };

export interface JsonPost extends AsyncDisposable {
  /** One POST, never repeated or redirected. `body` of the answer is undefined where it is not JSON. Never rejects. */
  post(path: string, headers: Record<string, string>, body: unknown, signal: AbortSignal): Promise<Posted>;
}

interface Seen {
  written: boolean;
}

/** JSON over HTTP/1.1 to one origin, for the providers we call without an SDK. */
export function createJsonPost({ origin, ca, connectionsMax = PROVIDER_SOCKETS_MAX }: ProviderConnections): JsonPost {
  const secureContext = trusting(ca);
  const pool = new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: PROVIDER_SOCKET_IDLE_MS,
    maxResponseSize: PROVIDER_ANSWER_BYTES_MAX,
    connect: secureContext ? { secureContext } : {},
  });
  return {
    async post(path, headers, body, signal) {
      const seen: Seen = { written: false };
      const send = async () => {
        const answer = await pool.compose(noticeWriting(seen, signal)).request({
          path,
          method: "POST",
          headers: { "content-type": "application/json", accept: "application/json", ...headers },
          body: JSON.stringify(body),
          signal,
        });
        return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
      };
      try {
        signal.throwIfAborted();
        const { status, headers, text } = await untilAborted(signal, send());
        return { kind: "answer", status, headers, body: parseJson(text) };
      } catch (error) {
        return { kind: "none", outcome: classifyTransport(error, { written: seen.written }) };
      }
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

/** undici starts a request only on a connection that stands, just before its first byte; until then it waits, and forgets it is aborted. */
function noticeWriting(seen: Seen, signal: AbortSignal): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        if (signal.aborted) return controller.abort(new DOMException("deadline", "AbortError"));
        seen.written = true;
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

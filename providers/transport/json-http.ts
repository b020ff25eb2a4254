import type { Outcome } from "../../core/delivery/outcome.ts";
import { ALWAYS, type MayBegin } from "../../core/ports/provider.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { formOf } from "./form.ts";
import { createHttp1Calls, type Http1Call } from "./http1-calls.ts";
import type { ProviderConnections } from "./provider-connections.ts";

/** An answer, or the outcome where there is none. */
export type Exchanged =
  | { kind: "answer"; status: number; headers: Record<string, string | string[] | undefined>; body: unknown }
  | { kind: "none"; outcome: Outcome };

export interface JsonHttp extends AsyncDisposable {
  /** One POST, never repeated or redirected. `body` of the answer is undefined where it is not JSON. Never rejects. */
  post(path: string, headers: Record<string, string>, body: unknown, signal: AbortSignal, mayBegin?: MayBegin): Promise<Exchanged>;
  /** The same with the fields of a form as its body; a list is a field given several times. */
  postForm(
    path: string,
    headers: Record<string, string>,
    fields: Readonly<Record<string, string | readonly string[]>>,
    signal: AbortSignal,
    mayBegin?: MayBegin,
  ): Promise<Exchanged>;
  /** One GET, likewise. */
  get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Exchanged>;
}

/** JSON over HTTP/1.1 to one origin, for the providers we call without an SDK. */
export function createJsonHttp({ origin, ...connections }: ProviderConnections): JsonHttp {
  const calls = createHttp1Calls(connections);
  async function exchange(call: Omit<Http1Call, "origin">, signal: AbortSignal, mayBegin: MayBegin): Promise<Exchanged> {
    const exchanged = await calls.exchange({ origin, ...call }, signal, mayBegin);
    if (exchanged.kind === "none") return exchanged;
    const { status, headers, bytes } = exchanged;
    return { kind: "answer", status, headers, body: parseJson(utf8.decode(bytes)) };
  }
  const accept = "application/json";
  return {
    post(path, headers, body, signal, mayBegin = ALWAYS) {
      const sent = { "content-type": "application/json", accept, ...headers };
      return exchange({ path, method: "POST", headers: sent, body: JSON.stringify(body) }, signal, mayBegin);
    },
    postForm(path, headers, fields, signal, mayBegin = ALWAYS) {
      const sent = { "content-type": "application/x-www-form-urlencoded", accept, ...headers };
      return exchange({ path, method: "POST", headers: sent, body: formOf(fields) }, signal, mayBegin);
    },
    get: (path, headers, signal) => exchange({ path, method: "GET", headers: { accept, ...headers } }, signal, ALWAYS),
    [Symbol.asyncDispose]: () => calls[Symbol.asyncDispose](),
  };
}

const utf8 = new TextDecoder();

import { reasonOf } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { CallResult } from "../../core/webhooks/answer.ts";
import { createHttp1Calls } from "../../providers/transport/http1-calls.ts";
import { parseRetryAfter } from "../../providers/transport/retry-after.ts";
import { limitedSignal } from "../../runtime/deadline.ts";
import type { AddressFilter } from "../../runtime/outbound.ts";

/** How long one call may take, in ms: Standard Webhooks has receivers answer within 15 s. */
export const CALL_MS_MAX = 15_000;
/** Calls of one endpoint at once. */
export const CALLS_MAX = 4;
/** A receiver has nothing to say; what is longer counts as a failure. */
const ANSWER_BYTES_MAX = 65_536;

/** Calls of one endpoint, over connections of its own: one that hangs holds nobody else's. */
export interface WebhookCalls extends AsyncDisposable {
  /** One POST, never repeated or redirected. Never rejects. @param signal ends it before its deadline */
  post(url: string, message: { headers: Record<string, string>; body: string }, signal: AbortSignal): Promise<CallResult>;
}

/** @param addressFilter judges each address that is dialled, whatever the name resolved to before */
export function createWebhookCalls(addressFilter: AddressFilter, clock: Pick<Clock, "after" | "now">): WebhookCalls {
  const calls = createHttp1Calls({ ca: "", addressFilter, connectionsMax: CALLS_MAX, answerBytesMax: ANSWER_BYTES_MAX });
  return {
    async post(url, { headers, body }, signal) {
      const { origin, pathname, search } = new URL(url);
      using limit = limitedSignal(CALL_MS_MAX, clock);
      const call = {
        ...{ origin, path: `${pathname}${search}`, method: "POST" as const, body },
        headers: { "content-type": "application/json", "user-agent": "Carillon", ...headers },
      };
      const exchanged = await calls.exchange(call, AbortSignal.any([limit.signal, signal]), () => true);
      if (exchanged.kind === "none") return { kind: "none", fault: reasonOf(exchanged.outcome) ?? "unknown" };
      const retryAfterMs = parseRetryAfter(exchanged.headers["retry-after"], clock.now());
      return { kind: "answer", status: exchanged.status, retryAfterMs };
    },
    [Symbol.asyncDispose]: () => calls[Symbol.asyncDispose](),
  };
}

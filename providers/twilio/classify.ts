import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, refused, rejected, throttled, unanswered, unavailable } from "../answer-table.ts";

/** What Twilio answered to a create: the HTTP status and, where the body is Twilio's own, its error code. */
export interface TwilioAnswer {
  status: number;
  code: number | undefined;
  retryAfterMs: number | undefined;
}

/** Waits where Twilio names none, in ms: the queue of a sender at 10 hours drains slowly; a day's limit is worth asking about hourly. */
const QUEUE_FULL_WAIT_MS = 60_000;
const DAILY_LIMIT_WAIT_MS = 3_600_000;

const tooFast = ({ retryAfterMs }: TwilioAnswer) => throttled("too-many-requests", retryAfterMs);

/** Twilio: "Error and Warning Dictionary", the codes a Message create answers with. */
const BY_CODE = answerTable<TwilioAnswer>({
  20003: misconfigured("authentication"),
  20404: misconfigured("account-not-found"),
  // "A 429 is never processed and always safe to retry" (Twilio: REST API best practices).
  20429: tooFast,
  // Twilio does not document whether it accepted a message whose create ended so.
  20500: unanswered("twilio-20500"),
  20503: unanswered("twilio-20503"),
  21211: gone("invalid-number"),
  21614: gone("not-a-mobile-number"),
  21635: gone("landline"),
  21610: refused("stop", "21610"),
  21212: misconfigured("sender-invalid", "sender"),
  21606: misconfigured("sender-cannot-sms", "sender"),
  21659: misconfigured("sender-not-owned", "sender"),
  21660: misconfigured("sender-of-another-account", "sender"),
  // In the destination's country, which may want another kind of sender, or a registered one.
  21657: misconfigured("sender-not-allowed", "destination-country"),
  21408: misconfigured("region-not-enabled", "destination-country"),
  // A trial account sends to verified numbers, and this one is not.
  21608: misconfigured("trial-account", "endpoint"),
  21703: misconfigured("messaging-service-empty", "sender"),
  21705: misconfigured("messaging-service-invalid", "sender"),
  21602: rejected("body-missing"),
  21603: rejected("from-missing"),
  21604: rejected("to-missing"),
  21619: rejected("content-missing"),
  21617: rejected("body-too-long"),
  21624: rejected("validity-period"),
  21620: rejected("media-url-invalid"),
  21623: rejected("media-too-many"),
  90007: rejected("content-invalid"),
  21611: ({ retryAfterMs }) => throttled("sender-queue-full", retryAfterMs ?? QUEUE_FULL_WAIT_MS, "sender"),
  63038: ({ retryAfterMs }) => throttled("daily-limit", retryAfterMs ?? DAILY_LIMIT_WAIT_MS),
  // No way from this sender to this number: nothing was sent, and another provider may have one.
  21612: unavailable("no-route", undefined, "destination-country"),
});

/** By the HTTP status, where the rejection has no code of Twilio's. */
const BY_HTTP_STATUS = answerTable<TwilioAnswer>({
  401: misconfigured("http-401"),
  403: misconfigured("http-403"),
  429: tooFast,
});
export const TWILIO_CODES = [...BY_CODE.codes, ...BY_HTTP_STATUS.codes.map((status) => `HTTP ${status}`)];

/**
 * The outcome of a create that was not 201. Codes first; an unknown code is rejected content if the status says the fault is ours (4xx),
 * else unanswered. A 4xx without a code is not Twilio's own answer, but says that the request was rejected on its way.
 */
export function classifyTwilio(answer: TwilioAnswer): Outcome {
  const { status, code } = answer;
  const documented = BY_CODE.outcomeOf(code, answer) ?? BY_HTTP_STATUS.outcomeOf(status, answer);
  if (documented !== undefined) return documented;
  if (status >= 300 && status < 400) return misconfigured(`http-${status}`);
  if (status >= 400 && status < 500) return code === undefined ? unavailable(`http-${status}`) : rejected(`twilio-${code}`);
  return unanswered(`http-${status}`);
}

import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unanswered, unavailable, undocumented } from "../answer-table.ts";

/** What a push service answered, other than 2xx. */
export interface WebPushAnswer {
  status: number;
  body: string;
  retryAfterMs: number | undefined;
  /** This push service accepted something lately, so our key and subject are right. */
  hasRecentSuccess: boolean;
}

const tooFast = ({ status, retryAfterMs }: WebPushAnswer) => throttled(`http-${status}`, retryAfterMs);
const unwell = ({ status, retryAfterMs }: WebPushAnswer) => unavailable(`http-${status}`, retryAfterMs);
/** Either all our pushes fail so, or only those to subscriptions made with an earlier key. */
const keyRejected = ({ status, hasRecentSuccess }: WebPushAnswer) => {
  const why = `vapid-rejected http-${status}`;
  return hasRecentSuccess ? rejected(why) : misconfigured(why, "endpoint");
};

/** By HTTP status, which RFC 8030 gives its meaning; what single services add is named at the row. */
const ROWS = answerTable<WebPushAnswer>({
  // Mozilla autopush, "Error codes": a bridged endpoint moved; web-push follows no redirect and neither do we.
  301: gone("moved"),
  // Chrome's and Apple's words for a bad VAPID token come with 400 at times; other 400s are about the message.
  400: (answer) => (/vapid|jwt|unauthorizedregistration/i.test(answer.body) ? keyRejected(answer) : rejected("http-400")),
  401: keyRejected,
  403: keyRejected,
  // RFC 8030 section 7.3, and Mozilla errno 102 to 106.
  404: gone("http-404"),
  410: gone("http-410"),
  // Windows uses it for throttling (WNS, "Push notification service response codes").
  406: tooFast,
  // RFC 8030 section 7.2.
  413: rejected("payload-too-large"),
  429: tooFast,
  // It may have failed after it accepted the push.
  500: unanswered("http-500"),
  // Mozilla errno 903: the bridge's own provider did not answer in time. Its other 502s say that nothing went out.
  502: (answer) => (bridgeErrno(answer.body) ? unwell(answer) : unanswered("http-502")),
  503: unwell,
});
export const WEBPUSH_CODES = ROWS.codes;

/** The default for what is not listed: a 4xx rejected the push; after anything else it is unknown whether it was sent. */
export function classifyWebPush(answer: WebPushAnswer): Outcome {
  return ROWS.outcomeOf(answer.status, answer) ?? undocumented(answer.status);
}

/** Mozilla autopush, "Error codes": 900 to 902 are rejections by the bridge's provider. */
const bridgeErrno = (body: string) => /"errno"\s*:\s*90[0-2]\b/.test(body);

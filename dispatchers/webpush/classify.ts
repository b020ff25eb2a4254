import type { Outcome } from "../../core/outcome.ts";

/** What a push service answered, other than 2xx. */
export interface WebPushAnswer {
  status: number;
  body: string;
  retryAfterMs: number | undefined;
  /** This push service accepted something lately, so our key and subject are right. */
  proven: boolean;
}

type Row = (answer: WebPushAnswer) => Outcome;
const gone =
  (reason: string): Row =>
  () => ({ kind: "endpoint-gone", reason, goneAt: undefined });
const throttled: Row = ({ status, retryAfterMs }) => ({ kind: "throttled", retryAfterMs, reason: `http-${status}` });
const unavailable: Row = ({ status, retryAfterMs }) => ({ kind: "unavailable", fault: { code: `http-${status}` }, retryAfterMs });
/** All our pushes fail so, or only those to subscriptions made with a key of old. */
const keyRefused: Row = ({ status, proven }) =>
  proven ? { kind: "rejected", reason: `vapid-refused http-${status}` } : { kind: "misconfigured", reason: `vapid-refused http-${status}` };

/** By HTTP status, which RFC 8030 gives its meaning; what single services add is named at the row. */
const ROWS: Readonly<Record<number, Row>> = {
  // Mozilla autopush, "Error codes": a bridged endpoint moved; web-push follows no redirect and neither do we.
  301: gone("moved"),
  // Chrome's and Apple's words for a bad VAPID token come with 400 at times; other 400s are about the message.
  400: (answer) =>
    /vapid|jwt|unauthorizedregistration/i.test(answer.body) ? keyRefused(answer) : { kind: "rejected", reason: "http-400" },
  401: keyRefused,
  403: keyRefused,
  // RFC 8030 section 7.3, and Mozilla errno 102 to 106.
  404: gone("http-404"),
  410: gone("http-410"),
  // Windows uses it for throttling (WNS, "Push notification service response codes").
  406: throttled,
  // RFC 8030 section 7.2.
  413: () => ({ kind: "rejected", reason: "payload-too-large" }),
  429: throttled,
  500: unavailable,
  // Mozilla errno 903: the bridge's own provider did not answer in time. Its other 502s say that nothing went out.
  502: (answer) => (bridgeErrno(answer.body) ? unavailable(answer) : { kind: "unanswered", fault: { code: "http-502" } }),
  503: unavailable,
};

/** The default for what is not listed: a 4xx refused the push; after anything else nobody knows. */
export function classifyWebPush(answer: WebPushAnswer): Outcome {
  const row = ROWS[answer.status];
  if (row !== undefined) return row(answer);
  const code = `http-${answer.status}`;
  return answer.status >= 400 && answer.status < 500 ? { kind: "rejected", reason: code } : { kind: "unanswered", fault: { code } };
}

/** Mozilla autopush, "Error codes": 900 to 902 are refusals by the bridge's provider. */
const bridgeErrno = (body: string) => /"errno"\s*:\s*90[0-2]\b/.test(body);

export const WEBPUSH_STATUSES = Object.keys(ROWS).map(Number);

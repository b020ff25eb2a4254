import type { Outcome } from "../../../core/outcome.ts";

export interface SendgridAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body; anything where it is not SendGrid's. */
  body: unknown;
  retryAfterMs: number | undefined;
}

const rejected = (reason: string): Outcome => ({ kind: "rejected", reason });
const misconfigured = (reason: string): Outcome => ({ kind: "misconfigured", reason });
const unanswered = (status: number): Outcome => ({ kind: "unanswered", fault: { code: `http-${status}` } });

/** SendGrid: "Mail Send: errors" and "API v3: status codes", those that need no look at the body. */
const BY_STATUS: ReadonlyMap<number, Outcome> = new Map([
  // Revoked or wrong key, and also credits used up.
  [401, misconfigured("http-401")],
  // The sender is not verified, the key lacks the scope, or the account is blocked for a while.
  [403, misconfigured("http-403")],
  // The key belongs to another region (data residency).
  [451, misconfigured("http-451")],
  [404, rejected("http-404")],
  [405, rejected("http-405")],
  [406, rejected("http-406")],
  [413, rejected("too-large")],
  [415, rejected("http-415")],
]);

/** The outcome of a send. 202 with X-Message-Id means queued; every other answer is a refusal of the whole request. An unknown status is not known. */
export function classifySendgrid(answer: SendgridAnswer, now: number): Outcome {
  const { status } = answer;
  if (status === 202) return accepted(answer.headers["x-message-id"]);
  const row = BY_STATUS.get(status);
  if (row) return row;
  if (status === 400) return classifyBadRequest(firstField(answer.body));
  // No Retry-After is documented; the moment in X-RateLimit-Reset is, in seconds since the epoch.
  if (status === 429)
    return { kind: "throttled", reason: "too-many-requests", retryAfterMs: answer.retryAfterMs ?? untilReset(answer.headers, now) };
  if (status === 503) return { kind: "unavailable", fault: { code: "http-503" }, retryAfterMs: answer.retryAfterMs };
  if (status >= 300 && status < 400) return misconfigured(`http-${status}`);
  if (status > 400 && status < 500) return rejected(`http-${status}`);
  return unanswered(status);
}

/** Events name the message by this id plus a suffix. Without it the receipt still names the attempt, so the send counts. */
function accepted(messageId: string | string[] | undefined): Outcome {
  return typeof messageId === "string" && messageId !== ""
    ? { kind: "accepted", providerRef: messageId }
    : { kind: "accepted", providerRef: "", warning: "no-message-id" };
}

/** The field tells whose fault a 400 is: there is one recipient, so an address under personalizations is its own. */
function classifyBadRequest(field: string | undefined): Outcome {
  if (field === undefined) return rejected("http-400");
  if (/^personalizations\.0\.to(\.|$)/.test(field)) return { kind: "endpoint-gone", reason: "invalid-address", goneAt: undefined };
  if (/^from(\.|$)/.test(field)) return misconfigured("sender-invalid");
  return rejected(`field ${field}`);
}

/** The path of the first field complained of, if it looks like one: `{ errors: [{ message, field, help }] }`. The message is foreign text. */
function firstField(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("errors" in body) || !Array.isArray(body.errors)) return undefined;
  const [first] = body.errors as unknown[];
  if (typeof first !== "object" || first === null || !("field" in first)) return undefined;
  return typeof first.field === "string" && /^[a-z_]+(\.[a-z_]+|\.\d{1,4}){0,6}$/.test(first.field) ? first.field : undefined;
}

function untilReset(headers: SendgridAnswer["headers"], now: number): number | undefined {
  const reset = headers["x-ratelimit-reset"];
  return typeof reset === "string" && /^\d{9,11}$/.test(reset) ? Math.max(0, Number(reset) * 1_000 - now) : undefined;
}

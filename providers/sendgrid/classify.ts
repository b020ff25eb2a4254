import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unavailable, undocumented } from "../answer-table.ts";
import { fieldOf } from "../transport/foreign.ts";

/** What SendGrid answered to a send. */
export interface SendgridAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body; anything where it is not SendGrid's. */
  body: unknown;
  retryAfterMs: number | undefined;
  /** ms since the epoch: SendGrid names moments, not waits. */
  now: number;
}

/** SendGrid: "Mail Send: errors" and "API v3: status codes". */
const BY_STATUS = answerTable<SendgridAnswer>({
  202: ({ headers }) => accepted(headers["x-message-id"]),
  400: ({ body }) => classifyBadRequest(firstField(body)),
  // Revoked or wrong key, and also credits used up.
  401: misconfigured("http-401"),
  // The sender is not verified, the key lacks the scope, or the account is blocked for a while.
  403: ({ body }) => (isAboutSender(firstField(body)) ? misconfigured("sender-unverified", "sender") : misconfigured("http-403")),
  404: rejected("http-404"),
  405: rejected("http-405"),
  406: rejected("http-406"),
  413: rejected("too-large"),
  415: rejected("http-415"),
  429: (answer) => throttled("too-many-requests", answer.retryAfterMs ?? untilReset(answer)),
  // The key belongs to another region (data residency).
  451: misconfigured("http-451"),
  503: ({ retryAfterMs }) => unavailable("http-503", retryAfterMs),
});
export const SENDGRID_CODES = BY_STATUS.codes;

/** The outcome of a send: a rejection is one of the whole request. The default for what is not listed: a 4xx rejected the mail; after a 5xx it is unknown whether it was sent. */
export function classifySendgrid(answer: SendgridAnswer): Outcome {
  const { status } = answer;
  const code = `http-${status}`;
  const documented = BY_STATUS.outcomeOf(status, answer);
  if (documented !== undefined) return documented;
  if (status >= 300 && status < 400) return misconfigured(code);
  return undocumented(status);
}

/** Events name the message by this id plus a suffix. Without it the receipt still names the attempt, so the send counts. */
function accepted(messageId: string | string[] | undefined): Outcome {
  return typeof messageId === "string" && messageId !== ""
    ? { kind: "accepted", providerRef: messageId }
    : { kind: "accepted", providerRef: "", warning: "no-message-id" };
}

/** The field shows what a 400 is about: there is one recipient, so an address under personalizations is the recipient's. */
function classifyBadRequest(field: string | undefined): Outcome {
  if (field === undefined) return rejected("http-400");
  if (/^personalizations\.0\.to(\.|$)/.test(field)) return gone("invalid-address");
  if (isAboutSender(field)) return misconfigured("sender-invalid", "sender");
  return rejected(`field ${field}`);
}

const isAboutSender = (field: string | undefined) => field !== undefined && /^from(\.|$)/.test(field);

/** The path of the first field complained of, if it looks like one: `{ errors: [{ message, field, help }] }`. The message is foreign text. */
function firstField(body: unknown): string | undefined {
  const field = fieldOf(firstError(body), "field");
  return typeof field === "string" && /^[a-z_]+(\.[a-z_]+|\.\d{1,4}){0,6}$/.test(field) ? field : undefined;
}

/** What it says of the first error: foreign text, for withWords(). */
export const firstMessage = (body: unknown): unknown => fieldOf(firstError(body), "message");

function firstError(body: unknown): unknown {
  const errors = fieldOf(body, "errors");
  return Array.isArray(errors) ? (errors[0] as unknown) : undefined;
}

/** No Retry-After is documented; the moment in X-RateLimit-Reset is, in seconds since the epoch. */
export function untilReset({ headers, now }: Pick<SendgridAnswer, "headers" | "now">): number | undefined {
  const reset = headers["x-ratelimit-reset"];
  return typeof reset === "string" && /^\d{9,11}$/.test(reset) ? Math.max(0, Number(reset) * 1_000 - now) : undefined;
}

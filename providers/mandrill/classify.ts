import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, refused, rejected, throttled, unanswered, unavailable, undocumented } from "../answer-table.ts";
import { isWord, textFieldsOf } from "../transport/foreign.ts";

/** What Mandrill answered to messages/send. */
export interface MandrillAnswer {
  status: number;
  /** The parsed body; undefined where it is not JSON. */
  body: unknown;
  retryAfterMs: number | undefined;
}

/** Mailchimp Transactional: "messages/send", the reject_reason of a recipient whose status is rejected. */
const BY_REJECT_REASON = answerTable<MandrillAnswer>({
  // What it keeps of the address. It stays registered: a complaint holds for some classes alone, and an operator may lift each.
  "hard-bounce": refused("bounce", "hard-bounce"),
  spam: refused("complaint", "spam"),
  unsub: refused("unsubscribe", "unsub"),
  invalid: gone("invalid"),
  // These entries of the denylist expire or can be removed: the address may be used again.
  "soft-bounce": rejected("soft-bounce"),
  custom: rejected("denylisted"),
  "invalid-sender": misconfigured("sender-invalid", "sender"),
  unsigned: misconfigured("sender-domain-unsigned", "sender"),
  // A rule of the account looks at one message: its recipient, its subject.
  rule: misconfigured("account-rule", "endpoint"),
  "test-mode-limit": misconfigured("test-mode-limit"),
});

/** Mailchimp Transactional: "Errors". Names, since HTTP statuses and codes were changed in 2023. */
const BY_ERROR_NAME = answerTable<MandrillAnswer>({
  Invalid_Key: misconfigured("authentication"),
  PaymentRequired: misconfigured("payment-required"),
  Unknown_Subaccount: misconfigured("subaccount"),
  ValidationError: rejected("validation"),
  Unknown_Template: rejected("template"),
  GeneralError: unanswered("mandrill-general-error"),
});

/** By the status of the one recipient. Queued, for any reason, is accepted (kept up to 48 h); the warning names the reason. */
const BY_RECIPIENT_STATUS = answerTable<MandrillAnswer>({
  sent: accepted,
  queued: accepted,
  scheduled: accepted,
  invalid: gone("invalid"),
});

/** By the HTTP status, where the rejection names no error of Mandrill's. */
const BY_HTTP_STATUS = answerTable<MandrillAnswer>({
  401: misconfigured("http-401"),
  402: misconfigured("http-402"),
  403: misconfigured("http-403"),
  429: ({ retryAfterMs }) => throttled("too-many-requests", retryAfterMs),
  503: ({ retryAfterMs }) => unavailable("http-503", retryAfterMs),
});
export const MANDRILL_CODES = [
  ...BY_RECIPIENT_STATUS.codes,
  ...BY_REJECT_REASON.codes.map((reason) => `rejected ${reason}`),
  ...BY_ERROR_NAME.codes,
  ...BY_HTTP_STATUS.codes.map((status) => `HTTP ${status}`),
];

/** The outcome of messages/send. An unknown reject reason is rejected content; an unknown error name is judged by its HTTP status. */
export function classifyMandrill(answer: MandrillAnswer): Outcome {
  if (answer.status !== 200) return BY_ERROR_NAME.outcomeOf(textFieldsOf(answer.body)("name"), answer) ?? classifyHttp(answer);
  const field = recipientOf(answer);
  if (field("status") !== "rejected") return BY_RECIPIENT_STATUS.outcomeOf(field("status"), answer) ?? unanswered("bad-response");
  const why = field("reject_reason");
  return BY_REJECT_REASON.outcomeOf(why, answer) ?? rejected(isWord(why) ? `mandrill-${why}` : "mandrill-rejected");
}

function accepted(answer: MandrillAnswer): Outcome {
  const field = recipientOf(answer);
  const why = field("queued_reason");
  return { kind: "accepted", providerRef: field("_id"), ...(isWord(why) ? { warning: `queued: ${why}` } : {}) };
}

function classifyHttp(answer: MandrillAnswer): Outcome {
  const { status } = answer;
  const code = `http-${status}`;
  const documented = BY_HTTP_STATUS.outcomeOf(status, answer);
  if (documented !== undefined) return documented;
  if (status >= 300 && status < 400) return misconfigured(code);
  return undocumented(status);
}

/** The fields of the first recipient, who is the only one. */
const recipientOf = ({ body }: MandrillAnswer) => textFieldsOf(Array.isArray(body) ? body[0] : undefined);

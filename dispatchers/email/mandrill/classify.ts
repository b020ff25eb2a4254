import type { Outcome } from "../../../core/outcome.ts";

export interface MandrillAnswer {
  status: number;
  /** The parsed body; undefined where it is not JSON. */
  body: unknown;
  retryAfterMs: number | undefined;
}

const rejected = (reason: string): Outcome => ({ kind: "rejected", reason });
const misconfigured = (reason: string): Outcome => ({ kind: "misconfigured", reason });
const gone = (reason: string): Outcome => ({ kind: "endpoint-gone", reason, goneAt: undefined });
const unanswered = (code: string): Outcome => ({ kind: "unanswered", fault: { code } });

/** Mailchimp Transactional: "messages/send", the reject_reason of a recipient whose status is rejected. */
const BY_REJECT_REASON: ReadonlyMap<string, Outcome> = new Map([
  ["hard-bounce", gone("hard-bounce")],
  ["spam", gone("spam")],
  ["unsub", gone("unsub")],
  ["invalid", gone("invalid")],
  // These entries of the denylist expire or can be taken back: the address may be used again.
  ["soft-bounce", rejected("soft-bounce")],
  ["custom", rejected("denylisted")],
  ["invalid-sender", misconfigured("sender-invalid")],
  ["unsigned", misconfigured("sender-domain-unsigned")],
  ["rule", misconfigured("account-rule")],
  ["test-mode-limit", misconfigured("test-mode-limit")],
]);

/** Mailchimp Transactional: "Errors". Names, since HTTP statuses and codes were changed in 2023. */
const BY_ERROR_NAME: ReadonlyMap<string, Outcome> = new Map([
  ["Invalid_Key", misconfigured("authentication")],
  ["PaymentRequired", misconfigured("payment-required")],
  ["Unknown_Subaccount", misconfigured("subaccount")],
  ["ValidationError", rejected("validation")],
  ["Unknown_Template", rejected("template")],
  ["GeneralError", unanswered("mandrill-general-error")],
]);

/**
 * The outcome of messages/send for its one recipient. Queued for whatever reason is taken (kept up to 48 h); the warning names the reason.
 * An unknown reject reason is refused content; an unknown error name is judged by its HTTP status.
 */
export function classifyMandrill(answer: MandrillAnswer): Outcome {
  const { status, body } = answer;
  if (status === 200) {
    const [recipient] = Array.isArray(body) ? (body as unknown[]) : [];
    return recipient === undefined ? unanswered("bad-response") : classifyRecipient(fieldsOf(recipient));
  }
  return BY_ERROR_NAME.get(fieldsOf(body)("name")) ?? classifyHttp(answer);
}

function classifyRecipient(field: (name: string) => string): Outcome {
  switch (field("status")) {
    case "sent":
      return { kind: "accepted", providerRef: field("_id") };
    case "queued":
    case "scheduled": {
      const why = field("queued_reason");
      return { kind: "accepted", providerRef: field("_id"), ...(isWord(why) ? { warning: `queued: ${why}` } : {}) };
    }
    case "rejected": {
      const why = field("reject_reason");
      return BY_REJECT_REASON.get(why) ?? rejected(isWord(why) ? `mandrill-${why}` : "mandrill-rejected");
    }
    case "invalid":
      return gone("invalid");
    default:
      return unanswered("bad-response");
  }
}

function classifyHttp({ status, retryAfterMs }: MandrillAnswer): Outcome {
  if (status === 401 || status === 402 || status === 403) return misconfigured(`http-${status}`);
  if (status === 429) return { kind: "throttled", reason: "too-many-requests", retryAfterMs };
  if (status === 503) return { kind: "unavailable", fault: { code: "http-503" }, retryAfterMs };
  if (status >= 300 && status < 400) return misconfigured(`http-${status}`);
  if (status >= 400 && status < 500) return rejected(`http-${status}`);
  return unanswered(`http-${status}`);
}

/** Reads text fields of a foreign object; "" where there is none. */
const fieldsOf = (value: unknown) => (name: string) => {
  const field = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof field === "string" ? field : "";
};

/** A documented reason is one hyphenated word; anything else is foreign text and stays out. */
const isWord = (text: string) => /^[a-z-]{1,40}$/.test(text);

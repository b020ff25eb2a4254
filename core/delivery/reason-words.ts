import type { ReasonCode } from "./reason.ts";

/**
 * What people are told about a reason; Markdown. docs/reasons.md is this table, and a test compares them. operations/why/explain.ts makes the words for one
 * delivery of it: after "Pending: ", "In doubt: ", "Expired: ", "Failed: " or "Suppressed: " stands what holds in that state alone, and of `{with % in it|without}`
 * the first where there is a detail, which takes the place of %.
 */
export interface ReasonWords {
  /** The states it goes with. */
  states: string;
  means: string;
  /** What to do about it. */
  advice: string;
}

/** With the detail in its place, or without one. */
export const withDetail = (text: string, detail: string | undefined): string =>
  text.replace(/\{([^|}]*)\|([^}]*)\}/g, (_, filled: string, bare: string) => (detail ? filled.replace("%", () => detail) : bare));

/** Of every code, in the order of REASON_CODES. */
export const REASON_WORDS: Readonly<Record<ReasonCode, ReasonWords>> = {
  "no-endpoint": {
    states: "suppressed",
    means:
      "The recipient has no endpoint on a channel that the caller named, or the endpoint was removed or registered for another user before the notification was sent to it.",
    advice: "Register a contact, or send to another channel.",
  },
  "opted-out": {
    states: "suppressed, failed",
    means: "The recipient opted out of this channel and category.",
    advice: "Nothing: do not send it by another way.",
  },
  "no-consent": {
    states: "suppressed",
    means: "The category's default is opted out, and the recipient did not consent.",
    advice: "Ask for consent where you may; until then nothing.",
  },
  stopped: {
    states: "suppressed, failed",
    means: "The person answered STOP to a text of this sender, or the provider says that they did.",
    advice: "Nothing: only the person can start it again.",
  },
  complained: {
    states: "suppressed, failed",
    means: "The person reported a mail as spam; critical mail is still sent.",
    advice: "Nothing.",
  },
  bounced: {
    states: "suppressed, failed",
    means:
      "The address does not exist. Failed: its server or the provider said so of this mail, and further ones are suppressed. Suppressed: an earlier mail, the provider's list or an import had said so.",
    advice: "Correct the address; where it exists after all, lift the block (`LiftBlock`, `carillon suppressions lift`).",
  },
  blocked: {
    states: "suppressed",
    means: "An operator or an imported list blocks the endpoint.",
    advice: "Operator: `LiftBlock`, with the reason why.",
  },
  "not-supported": {
    states: "suppressed",
    means:
      "The channel cannot carry this content, and others of the notification can: browsers take no push that shows nothing, and know no texts of the application.",
    advice: "Nothing, or give title and body.",
  },
  expired: {
    states: "expired",
    means: "It was not sent before `expires_at`.",
    advice: "Send again with a later expiry if it is still of use.",
  },
  "quiet-hours": {
    states: "pending, expired",
    means:
      "Pending: it waits for the end of the recipient's quiet hours, and up to 5 min more. Expired: they end after `expires_at`, so that it was ended at once.",
    advice: "Nothing, or send with a later expiry.",
  },
  cap: {
    states: "pending, suppressed, expired",
    means:
      "The user was sent as many of this category as its frequency cap allows in the current window. Pending: it waits for the next window (`FrequencyCap.defer`). Expired: that one begins after `expires_at`.",
    advice: "Nothing, or raise the cap.",
  },
  paused: {
    states: "pending, expired",
    means:
      "Pending: an operator has paused or drained {%|its channel, class, app or provider's account}, so it waits (`carillon steering` says who, when and why). Expired: an operator had paused or drained {%|its channel, class, app or provider's account} until `expires_at` passed; nothing was sent.",
    advice:
      "Pending: nothing, or operator: `carillon resume {%|TARGET}`; it goes out within seconds. Expired: send again with a later expiry if it is still of use.",
  },
  throttled: {
    states: "pending, expired",
    means: "The provider asked us to slow down; nothing was sent.",
    advice:
      "Pending: nothing; it is retried until it expires. Expired: where many do, raise the provider's limit, or lower `DISPATCH_RATE_MAX` so that the queue is fair.",
  },
  unavailable: {
    states: "pending, expired",
    means: "The provider could not be reached or answered with a server error; nothing was sent.",
    advice: "Pending: nothing; it is retried until it expires. Expired: send again with a later expiry if it is still of use.",
  },
  misconfigured: {
    states: "pending, expired",
    means: "The provider rejected our credentials or settings; nothing was sent.",
    advice:
      "Operator: correct it at the provider or in the configuration{: %|}. Pending: it is retried until it expires. Expired: then send again with a later expiry if it is still of use.",
  },
  "endpoint-gone": {
    states: "failed",
    means: "The provider says that this endpoint no longer exists. A registered contact is removed.",
    advice: "Caller: forget the token or address.",
  },
  rejected: {
    states: "failed",
    means: "The provider will never accept this content.",
    advice: "Caller: correct the content and send it under a new key.",
  },
  "attempts-exhausted": {
    states: "failed",
    means: "An earlier version ended it after 12 attempts; nothing was sent. Now only its expiry ends a delivery.",
    advice: "Operator: `carillon dead redrive`.",
  },
  "outcome-unknown": {
    states: "pending, uncertain, failed",
    means:
      "The provider gave no usable answer, so it may have been sent. Pending: it is sent once more, as channel and class allow (critical, and a transactional push without a `collapse_key`, whose copy replaces the first one). Failed: neither a receipt nor a status query resolved it, also where a repetition or a redrive of it expired or was cancelled.",
    advice:
      "Pending: nothing. In doubt: nothing; a receipt or a question to the provider may resolve it. Failed: decide whether a second copy is acceptable, then `carillon dead redrive --uncertain`.",
  },
  undelivered: {
    states: "failed",
    means: "The provider accepted it and later reported that it did not arrive{ (%)|}.",
    advice: "Look the provider's code{ %|} up at the provider.",
  },
  poison: {
    states: "failed",
    means: "Its task could not be decoded, or the workers that had it died.",
    advice: "Operator: `carillon dead poison`; report the bytes that it keeps.",
  },
  "content-lost": {
    states: "failed",
    means:
      "Its large content, or the blob of an attachment{ (%)|}, was not in the store any more, so nothing was sent. This must not happen: an error is logged.",
    advice:
      "Operator: see whether `contents`, `blobs` or `blob_chunks` was changed by hand or restored from an older backup. Caller: send again under a new key.",
  },
  superseded: {
    states: "sent, delivered",
    means: "A retry was not needed: the attempt it repeats was accepted after all.",
    advice: "Nothing.",
  },
  redriven: {
    states: "void attempts only",
    means: "An operator redrove the delivery before a worker claimed this attempt.",
    advice: "Nothing.",
  },
  cancelled: {
    states: "cancelled",
    means: "The app or an operator cancelled it before it was sent{ (%)|}.",
    advice: "Nothing; a new send needs a new idempotency key.",
  },
  erased: {
    states: "cancelled",
    means: "Its recipient was erased before it was sent.",
    advice: "Nothing.",
  },
  warning: {
    states: "sent",
    means: "The provider accepted it with a warning{: %|}.",
    advice: "Look the warning up at the provider; for example, mail waits for the account's quota.",
  },
  other: {
    states: "any",
    means: "Stored by an earlier version in words of its own{: %|}.",
    advice: "Nothing, or what these words ask for.",
  },
};

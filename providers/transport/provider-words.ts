import type { Outcome } from "../../core/delivery/outcome.ts";
import { withoutAddresses } from "../../core/preferences/learned.ts";
import { cut } from "../../runtime/text.ts";

/** A code that says no more than the HTTP status. */
const BARE = /^http-\d{3}$/;
const WORDS_MAX = 120;

/**
 * The outcome with the provider's own words about the account, where our code says little: an operator who sees `http-401` needs to know whether the key is
 * wrong or the credits are used up. Only where the account is rejected as a whole: such an answer was given before the message was looked at.
 * @param words foreign text; anything else is ignored
 */
export function withWords(outcome: Outcome, words: unknown): Outcome {
  if (outcome.kind !== "misconfigured" || outcome.scope !== undefined || !BARE.test(outcome.reason) || typeof words !== "string")
    return outcome;
  const masked = maskWords(words);
  return masked === "" ? outcome : { ...outcome, reason: `${outcome.reason}: ${masked}` };
}

/** Without what may be a person's, a credential or content: addresses, numbers, URLs, long words with digits, what is quoted. */
export const maskWords = (foreign: string): string =>
  cut(
    withoutAddresses(
      foreign
        .slice(0, 1_000)
        .replace(/[\p{Cc}\p{Cf}]/gu, " ")
        .replace(/[a-z][a-z0-9+.-]*:\/\/\S+/gi, "…")
        .replace(/(["'`“‘«])[^"'`”’»]{1,200}["'`”’»]/gu, "…")
        .replace(/(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,}/g, "…")
        .replace(/\d{5,}/g, "…"),
    ),
    WORDS_MAX,
  );

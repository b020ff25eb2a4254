import type { Outcome, Scope } from "../core/delivery/outcome.ts";
import type { LearnedKind } from "../core/preferences/learned.ts";

/** The outcome of a documented answer: fixed, or depending on the rest of the answer. */
export type Row<Answer> = Outcome | ((answer: Answer) => Outcome);

/** The answers a provider documents, by its own codes. */
export interface AnswerTable<Answer> {
  readonly codes: readonly string[];
  /** Undefined where the code is not listed. */
  outcomeOf(code: string | number | undefined, answer: Answer): Outcome | undefined;
}

export function answerTable<Answer>(rows: Readonly<Record<string, Row<Answer>>>): AnswerTable<Answer> {
  return {
    codes: Object.keys(rows),
    outcomeOf(code, answer) {
      // Codes come from outside, and could be "constructor".
      const row = code !== undefined && Object.hasOwn(rows, code) ? rows[code] : undefined;
      return typeof row === "function" ? row(answer) : row;
    },
  };
}

/** @param scope what the answer is about; absent: the account */
const about = (scope: Scope | undefined) => (scope === undefined ? {} : { scope });

export const throttled = (reason: string, retryAfterMs: number | undefined, scope?: Scope): Outcome => ({
  ...({ kind: "throttled", retryAfterMs, reason } as const),
  ...about(scope),
});
export const unavailable = (code: string, retryAfterMs?: number, scope?: Scope): Outcome => ({
  ...({ kind: "unavailable", fault: { code } } as const),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  ...about(scope),
});
export const unanswered = (code: string): Outcome => ({ kind: "unanswered", fault: { code } });
/** @param goneAt ms since the epoch */
export const gone = (reason: string, goneAt?: number): Outcome => ({ kind: "endpoint-gone", reason, goneAt });
export const rejected = (reason: string): Outcome => ({ kind: "rejected", reason });
/** The provider sends nothing to this recipient, and says why. */
export const refused = (kind: LearnedKind, reason: string): Outcome => ({ kind: "rejected", reason, learned: kind });
export const misconfigured = (reason: string, scope?: Scope): Outcome => ({ kind: "misconfigured", reason, ...about(scope) });

/**
 * Statuses by which a server, or what stands before it, says that it did not process the request, whatever it asked for: a proxy's own, too slow, sent to
 * the wrong server, too early (RFC 9110, sections 15.5.8, 15.5.9, 15.5.20; RFC 8470, section 5.2).
 */
const UNPROCESSED: ReadonlySet<number> = new Set([407, 408, 421, 425]);

/** The outcome of a status that the provider does not document: a 4xx rejected the request; after anything else it is unknown whether it was sent. */
export function undocumented(status: number): Outcome {
  const code = `http-${status}`;
  if (UNPROCESSED.has(status)) return unavailable(code);
  return status >= 400 && status < 500 ? rejected(code) : unanswered(code);
}

import type { Outcome, Scope } from "../core/delivery/outcome.ts";

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

/** @param scope what else the answer is about; absent: the account */
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
export const misconfigured = (reason: string, scope?: Scope): Outcome => ({ kind: "misconfigured", reason, ...about(scope) });

import type { Outcome } from "../core/delivery/outcome.ts";

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

export const throttled = (reason: string, retryAfterMs: number | undefined): Outcome => ({ kind: "throttled", retryAfterMs, reason });
export const unavailable = (code: string, retryAfterMs?: number): Outcome =>
  retryAfterMs === undefined ? { kind: "unavailable", fault: { code } } : { kind: "unavailable", fault: { code }, retryAfterMs };
export const unanswered = (code: string): Outcome => ({ kind: "unanswered", fault: { code } });
/** @param goneAt ms since the epoch */
export const gone = (reason: string, goneAt?: number): Outcome => ({ kind: "endpoint-gone", reason, goneAt });
export const rejected = (reason: string): Outcome => ({ kind: "rejected", reason });
export const misconfigured = (reason: string): Outcome => ({ kind: "misconfigured", reason });

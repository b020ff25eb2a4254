import { type AttemptOutcome, type AttemptRecord, attemptId, knownOutcome } from "../ports/attempt-store.ts";
import { reason } from "./reason.ts";
import type { Void } from "./transitions.ts";

/** Ends a retry that is not needed: the attempt it repeats was accepted after all. */
export const SUPERSEDED: Void = { kind: "void", state: "sent", reason: reason("superseded") };

/** The attempts of this drive before the current one, which repeats one of them; none where it repeats nothing. */
export function repeatedIds(d: {
  id: string;
  attempt: number;
  firstAttempt?: number | undefined;
  policyResend?: boolean | undefined;
}): string[] {
  const { id, attempt, firstAttempt = 1, policyResend = false } = d;
  return policyResend ? Array.from({ length: attempt - firstAttempt }, (_, i) => attemptId(id, firstAttempt + i)) : [];
}

/** What of these turned out to have been taken, with nothing to warn of, after a repetition was decided on. */
export const arrivedOf = (earlier: readonly AttemptRecord[]): Extract<AttemptOutcome, { kind: "accepted" }> | undefined =>
  earlier
    .map(knownOutcome)
    .filter((outcome) => outcome?.kind === "accepted")
    .find((outcome) => outcome.warning === undefined);

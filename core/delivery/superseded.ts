import { type AttemptOutcome, type AttemptRecord, attemptId, knownOutcome } from "../ports/attempt-store.ts";
import type { Void } from "./transitions.ts";

/** What ends a repetition that is not needed. */
export const ARRIVED: Void = { kind: "closed", state: "sent", reason: "an earlier attempt arrived" };

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

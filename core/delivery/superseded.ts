import { type AttemptOutcome, type AttemptRecord, attemptId, knownOutcome } from "../ports/attempt-store.ts";
import { reason } from "./reason.ts";
import type { Void } from "./void-attempt.ts";

/** Ends a retry that is not needed: the attempt it repeats was accepted after all. */
export const SUPERSEDED: Void = { kind: "void", state: "sent", reason: reason("superseded") };

/** Ids of the attempts that the current one repeats: those before it in its run; none where it is no policy resend. */
export function repeatedIds(d: {
  id: string;
  attempt: number;
  runStart?: number | undefined;
  policyResend?: boolean | undefined;
}): string[] {
  const { id, attempt, runStart = 1, policyResend = false } = d;
  return policyResend ? Array.from({ length: attempt - runStart }, (_, i) => attemptId(id, runStart + i)) : [];
}

/** The acceptance of an earlier attempt, without a warning, that became known after a retry was decided on. */
export const acceptedOf = (earlier: readonly AttemptRecord[]): Extract<AttemptOutcome, { kind: "accepted" }> | undefined =>
  earlier
    .map(knownOutcome)
    .filter((outcome) => outcome?.kind === "accepted")
    .find((outcome) => outcome.warning === undefined);

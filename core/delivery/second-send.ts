import { type AttemptRecord, knownOutcome } from "../ports/attempt-store.ts";

/** Outcomes after which the message may have been sent; it may have been, too, while no outcome is known. */
const MAY_BE_SENT: ReadonlySet<string> = new Set(["accepted", "unanswered"]);

/** Whether the message may have gone out under this attempt. Once an attempt is known as not sent, it stays so. */
export function mayBeSent(attempt: AttemptRecord): boolean {
  if (attempt.outcome?.kind === "accepted") return true;
  const known = knownOutcome(attempt);
  return known === undefined || MAY_BE_SENT.has(known.kind);
}

/** The provider accepted it and reported later that it was not sent: a further attempt is no second send. */
const acceptedInVain = (attempt: AttemptRecord) => attempt.resolution !== undefined && !mayBeSent(attempt);

/**
 * Promise 3 for one delivery: in each run at most one attempt that may have been sent, and one more that repeats it by the policy of its class.
 * Only a redrive of what may have been sent starts a new count.
 */
export const isSentTwice = (attempts: readonly AttemptRecord[]): boolean =>
  runsOf(attempts).some((run) => run.filter((a) => !a.policyResend).length > 1 || run.filter((a) => a.policyResend).length > 1);

/** How often providers may have accepted the delivery with these attempts, at most. */
export function takenMost(attempts: readonly AttemptRecord[]): number {
  const calls = attempts.filter((a) => a.outcome?.kind !== "void");
  if (calls.length === 0) return 0;
  const sends = runsOf(calls).reduce((sum, run) => sum + (run.some((a) => a.policyResend) ? 2 : 1), 0);
  return Math.max(1, sends) + calls.filter(acceptedInVain).length;
}

/** The attempts that may be sent, by the redrive they belong to. */
const runsOf = (attempts: readonly AttemptRecord[]) => [...Map.groupBy(attempts.filter(mayBeSent), (a) => a.redrive ?? 0).values()];

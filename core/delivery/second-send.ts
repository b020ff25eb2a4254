import { type AttemptRecord, knownOutcome } from "../ports/attempt-store.ts";

/** Outcomes after which the provider may hold the message; so it may while none is known. */
const MAY_BE_SENT: ReadonlySet<string> = new Set(["accepted", "unanswered"]);

/** Whether the message may have gone out under this attempt. Once an attempt is known as not sent, it stays so. */
export function mayBeSent(attempt: AttemptRecord): boolean {
  if (attempt.outcome?.kind === "accepted") return true;
  const known = knownOutcome(attempt);
  return known === undefined || MAY_BE_SENT.has(known.kind);
}

/** That a provider took it, and told later that nothing came of it: what follows is no second send. */
const takenInVain = (attempt: AttemptRecord) => attempt.resolution !== undefined && !mayBeSent(attempt);

/**
 * Promise 3 over one delivery: until an operator redrives what may have been sent, at most one attempt that may be, and one more that repeats it by
 * the policy of its class. Each such redrive begins anew.
 */
export const isSentTwice = (attempts: readonly AttemptRecord[]): boolean =>
  drivesOf(attempts).some((drive) => drive.filter((a) => !a.policyResend).length > 1 || drive.filter((a) => a.policyResend).length > 1);

/** How often providers may have taken a delivery of which these are the attempts. */
export function takenMost(attempts: readonly AttemptRecord[]): number {
  const calls = attempts.filter((a) => a.outcome?.kind !== "void");
  if (calls.length === 0) return 0;
  const sends = drivesOf(calls).reduce((sum, drive) => sum + (drive.some((a) => a.policyResend) ? 2 : 1), 0);
  return Math.max(1, sends) + calls.filter(takenInVain).length;
}

/** The attempts that may be sent, by the redrive they belong to. */
const drivesOf = (attempts: readonly AttemptRecord[]) => [...Map.groupBy(attempts.filter(mayBeSent), (a) => a.redrive ?? 0).values()];

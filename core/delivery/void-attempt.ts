import { type AttemptOutcome, type AttemptRecord, attemptId } from "../ports/attempt-store.ts";
import type { Delivery } from "./notification.ts";
import { type Reason, reason } from "./reason.ts";

/** An attempt number that was closed without a call, and how its delivery ends by that. */
export type Void = Extract<AttemptOutcome, { kind: "void" }>;

/** What tells whether an earlier attempt may have been sent. */
type EarlierSends = Pick<Delivery, "policyResend" | "redrive">;

/**
 * An earlier attempt may have been sent, whatever becomes of the current one: it repeats one of unknown outcome, or an operator has redriven the delivery all
 * the same.
 */
export const mayHaveGone = ({ policyResend = false, redrive = 0 }: EarlierSends): boolean => policyResend || redrive > 0;

const UNKNOWN: Void = { kind: "void", state: "failed", reason: reason("outcome-unknown") };

/** How a delivery ends that was not sent in time. Where an earlier attempt may have been sent, it ends as of unknown outcome. */
export function expiryOfRun(d: EarlierSends & Pick<Delivery, "reason">, why: Reason = reason("expired")): Void {
  if (!mayHaveGone(d)) return { kind: "void", state: "expired", reason: why };
  return d.reason?.code === "outcome-unknown" ? { ...UNKNOWN, reason: d.reason } : UNKNOWN;
}

/** The record that closes an attempt's number: once it is inserted, no copy of the task can send under that number. */
export function voidAttempt(
  { deliveryId, attempt: number }: { deliveryId: string } & Pick<Delivery, "attempt">,
  worker: string,
  outcome: Void,
  now: number,
): AttemptRecord {
  return {
    id: attemptId(deliveryId, number),
    deliveryId,
    number,
    worker,
    provider: "",
    startedAt: now,
    deadlineAt: now,
    outcome,
    answeredAt: now,
  };
}

/**
 * How a delivery ends whose number was closed by this. Cancelled says that nothing was sent: where an earlier attempt may have been, it ends as of unknown
 * outcome, and a receipt may still correct that.
 */
export const endOfVoid = (d: EarlierSends, outcome: Void): Void => (outcome.state === "cancelled" && mayHaveGone(d) ? UNKNOWN : outcome);

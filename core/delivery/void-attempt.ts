import { type AttemptOutcome, type AttemptRecord, attemptId } from "../ports/attempt-store.ts";
import type { Delivery } from "./notification.ts";
import { type Reason, reason } from "./reason.ts";

/** An attempt number that was closed without a call, and how its delivery ends by that. */
export type Void = Extract<AttemptOutcome, { kind: "void" }>;

/** The current attempt repeats one of unknown outcome: whatever becomes of it, the delivery may have been sent. */
export const mayHaveGone = ({ policyResend = false }: Pick<Delivery, "policyResend">): boolean => policyResend;

const UNKNOWN: Void = { kind: "void", state: "failed", reason: reason("outcome-unknown") };

/**
 * How a delivery ends that was not sent in time. What repeats an attempt of unknown outcome ends as that attempt would have without the repetition, because it
 * may have been sent.
 */
export function expiryOfRun(d: Pick<Delivery, "policyResend" | "reason">, why: Reason = reason("expired")): Void {
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
 * How a delivery ends whose number was closed by this. Cancelled says that nothing was sent: where an attempt of unknown outcome would have been repeated, it ends
 * as one that nothing resolved, and a receipt may still correct that.
 */
export const endOfVoid = (d: Pick<Delivery, "policyResend">, outcome: Void): Void =>
  outcome.state === "cancelled" && mayHaveGone(d) ? UNKNOWN : outcome;

import { type AttemptOutcome, type AttemptRecord, attemptId } from "../ports/attempt-store.ts";
import type { Delivery } from "./notification.ts";

/** An attempt number that was closed without a call, and how its delivery ends by that. */
export type Void = Extract<AttemptOutcome, { kind: "void" }>;

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

import { type AttemptOutcome, type AttemptRecord, attemptId } from "../ports/attempt-store.ts";
import type { DeliveryChange } from "../ports/notification-store.ts";
import { type Decision, STATUS_QUERY_FIRST_MS } from "./decide.ts";
import { OPEN_STATES } from "./notification.ts";

/** Which delivery and which attempt of it a decision is about. */
export interface DecidedAttempt {
  notificationId: string;
  deliveryId: string;
  attempt: number;
  expiresAt: number;
}

/** What a decision does to its delivery, fenced by the attempt: a later attempt, or an end, is never undone. */
export function decisionChange(on: DecidedAttempt, decision: Decision, now: number): DeliveryChange {
  const { notificationId, deliveryId, attempt } = on;
  const base = { notificationId, deliveryId, expect: { attempt, states: OPEN_STATES } };
  const reason = decision.reason;
  switch (decision.kind) {
    case "sent":
      return { ...base, set: { state: "sent", providerRef: decision.providerRef, reason, nextAt: undefined, endedAt: now } };
    case "retry":
      return {
        ...base,
        set: {
          ...{ state: "pending", attempt: attempt + 1, publications: 0, nextAt: Math.min(decision.at, on.expiresAt), reason },
          uncertainSince: undefined,
        },
      };
    case "uncertain":
      // From pending only: an attempt already being resolved keeps its first deadline.
      return {
        ...base,
        expect: { attempt, states: ["pending"] },
        set: { state: "uncertain", uncertainSince: now, nextAt: now + STATUS_QUERY_FIRST_MS, reason },
      };
    case "expired":
    case "failed":
      return { ...base, set: { state: decision.kind, reason, nextAt: undefined, endedAt: now } };
  }
}

/** An attempt number that was closed without a call. */
export type Void = Extract<AttemptOutcome, { kind: "void" }>;

/** An attempt's number closed without a call: once it is inserted, no copy of the task can send under it. */
export function voidAttempt(on: Pick<DecidedAttempt, "deliveryId" | "attempt">, worker: string, outcome: Void, now: number): AttemptRecord {
  const { deliveryId, attempt: number } = on;
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

/** What a closed number means for its delivery. */
export function voidChange(on: Omit<DecidedAttempt, "expiresAt">, { state, reason }: Void, now: number): DeliveryChange {
  const { notificationId, deliveryId, attempt } = on;
  return { notificationId, deliveryId, expect: { attempt, states: OPEN_STATES }, set: { state, reason, nextAt: undefined, endedAt: now } };
}

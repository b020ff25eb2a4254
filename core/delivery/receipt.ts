import { type AttemptRecord, knownOutcome, notificationIdOf, type Resolution } from "../ports/attempt-store.ts";
import type { DeliveryChange } from "../ports/notification-store.ts";
import type { Delivery, DeliveryState } from "./notification.ts";
import { type Reason, reason, reasonText } from "./reason.ts";
import { SUPERSEDED } from "./superseded.ts";
import { voidAttempt } from "./transitions.ts";

/** What a provider tells afterwards of an attempt. */
export interface Receipt {
  attemptId: string;
  /** Its name, as in the attempt. */
  provider: string;
  /** The account whose webhook it is; absent: DEFAULT_ACCOUNT. */
  account?: string | undefined;
  /** It has the message; it reached the person; it never will. */
  kind: "accepted" | "delivered" | "undelivered";
  /** The provider's code for it. */
  reason?: string | undefined;
  providerRef?: string | undefined;
  /** ms since the epoch. */
  at: number;
}

/** Each kind proves that the attempt was made and taken, also one that did not reach the person: that is a warning. */
export function resolutionOf(receipt: Receipt): Resolution {
  const { kind, providerRef = "", at } = receipt;
  const warning = kind === "undelivered" ? { warning: reasonText(undelivered(receipt)) } : {};
  return { outcome: { kind: "accepted", providerRef, ...warning }, by: "receipt", at };
}

/** What a receipt does to its delivery. */
export type ReceiptEffect =
  | { kind: "nothing" }
  | { kind: "change"; change: DeliveryChange }
  /** A later attempt is to repeat the one that arrived: its number becomes a void attempt, and where nobody had claimed it the change applies. */
  | { kind: "void"; attempt: AttemptRecord; change: DeliveryChange };

/** Pure. `attempt` is the receipt's; `d` its delivery as it is now. */
export function receiptEffect(receipt: Receipt, attempt: AttemptRecord, d: Delivery, s: { worker: string; now: number }): ReceiptEffect {
  const end = endOf(receipt);
  const change = (states: readonly DeliveryState[]): DeliveryChange => ({
    ...{ notificationId: notificationIdOf(d.id), deliveryId: d.id, expect: { attempt: d.attempt, states } },
    set: { ...end, ...(receipt.providerRef ? { providerRef: receipt.providerRef } : {}), nextAt: undefined, endedAt: s.now },
  });
  if (d.attempt === attempt.number) {
    const before: DeliveryState[] = ["pending", "uncertain"];
    if (end.state !== "sent") before.push("sent");
    // An end that only said "not known" is corrected by what is known.
    if (d.state === "failed" && d.reason?.code === "outcome-unknown") before.push("failed");
    return before.includes(d.state) ? { kind: "change", change: change(before) } : { kind: "nothing" };
  }
  if (d.attempt < attempt.number) return { kind: "nothing" };
  // The later attempt gave its place to this one: how this one goes on is how the delivery does.
  const isInItsPlace = d.state === "sent" && receipt.providerRef !== undefined && receipt.providerRef === d.providerRef;
  if (isInItsPlace && end.state !== "sent") return { kind: "change", change: change(["sent"]) };
  // An operator redrove what was known as taken, for it came to nothing: being told of it again is no reason to stop.
  const wasKnown = attempt.number < (d.firstAttempt ?? 1) && knownOutcome(attempt)?.kind === "accepted";
  if (receipt.kind === "undelivered" || (receipt.kind === "accepted" && wasKnown)) return { kind: "nothing" };
  if (d.state === "pending") {
    const superseded = { ...SUPERSEDED, state: end.state };
    return {
      kind: "void",
      attempt: voidAttempt({ deliveryId: d.id, attempt: d.attempt }, s.worker, superseded, s.now),
      change: change(["pending"]),
    };
  }
  // The repetition was given up, or its outcome is not known: what is known of the first attempt is the better answer.
  const lesser: DeliveryState[] = ["uncertain", "failed", "expired", "suppressed"];
  return lesser.includes(d.state) ? { kind: "change", change: change(lesser) } : { kind: "nothing" };
}

function endOf(receipt: Receipt): { state: "sent" | "delivered" | "failed"; reason: Reason | undefined } {
  if (receipt.kind === "undelivered") return { state: "failed", reason: undelivered(receipt) };
  return { state: receipt.kind === "delivered" ? "delivered" : "sent", reason: undefined };
}

const undelivered = (receipt: Receipt) => reason("undelivered", receipt.reason);

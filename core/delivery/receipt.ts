import { type AttemptRecord, knownOutcome, type Resolution } from "../ports/attempt-store.ts";
import { type Learned, REASON_OF_LEARNED } from "../preferences/learned.ts";
import type { Delivery, DeliveryState, NotificationRecord } from "./notification.ts";
import { type Reason, reason, reasonText } from "./reason.ts";
import { SUPERSEDED } from "./superseded.ts";
import { factsOf, reported, type Transition } from "./transitions.ts";
import { voidAttempt } from "./void-attempt.ts";

/** A provider's later report about an attempt. */
export interface Receipt {
  attemptId: string;
  /** Its name, as in the attempt. */
  provider: string;
  /** The account whose webhook it is; absent: DEFAULT_ACCOUNT. */
  account?: string | undefined;
  /** The provider has the message; it reached the recipient; it never will. */
  kind: "accepted" | "delivered" | "undelivered";
  /** The provider's code for it. */
  reason?: string | undefined;
  providerRef?: string | undefined;
  /** What the provider says of the recipient with it; kept in their preferences, whatever becomes of the delivery. */
  learned?: Learned | undefined;
  /** ms since the epoch. */
  at: number;
}

/** Every kind proves that the provider accepted the attempt; `undelivered` becomes a warning of that acceptance. */
export function resolutionOf(receipt: Receipt): Resolution {
  const { kind, providerRef = "", at } = receipt;
  const warning = kind === "undelivered" ? { warning: reasonText(undelivered(receipt)) } : {};
  return { outcome: { kind: "accepted", providerRef, ...warning }, by: "receipt", at };
}

/** What a receipt does to its delivery. */
export type ReceiptEffect =
  | { kind: "nothing" }
  | { kind: "change"; transition: Transition }
  /** A retry is planned of an attempt that was accepted: insert this void attempt, and apply the transition only if it won the number. */
  | { kind: "void"; attempt: AttemptRecord; transition: Transition };

/**
 * Pure. `attempt` is the receipt's; `d` its delivery as it is now.
 * @param s.warning the warning that a status query found with the acceptance
 */
export function receiptEffect(
  receipt: Receipt,
  attempt: AttemptRecord,
  n: NotificationRecord,
  d: Delivery,
  s: { worker: string; now: number; warning?: Reason | undefined },
): ReceiptEffect {
  const end = endOf(receipt, s.warning);
  const from = (states: readonly DeliveryState[]) => reported(factsOf(n, d), states, { ...end, providerRef: receipt.providerRef }, s.now);
  if (d.attempt === attempt.number) {
    const before: DeliveryState[] = ["pending", "uncertain"];
    if (end.state !== "sent") before.push("sent");
    // A receipt corrects an end with outcome-unknown.
    if (d.state === "failed" && d.reason?.code === "outcome-unknown") before.push("failed");
    return before.includes(d.state) ? { kind: "change", transition: from(before) } : { kind: "nothing" };
  }
  if (d.attempt < attempt.number) return { kind: "nothing" };
  // The later attempt was superseded by this one, so what becomes of this one is what becomes of the delivery.
  const isSuperseding = d.state === "sent" && receipt.providerRef !== undefined && receipt.providerRef === d.providerRef;
  if (isSuperseding && end.state !== "sent") return { kind: "change", transition: from(["sent"]) };
  // An operator redrove an attempt known as accepted that did not arrive: a repeated receipt of the acceptance does not stop the new run.
  const wasKnown = attempt.number < (d.runStart ?? 1) && knownOutcome(attempt)?.kind === "accepted";
  if (receipt.kind === "undelivered" || (receipt.kind === "accepted" && wasKnown)) return { kind: "nothing" };
  if (d.state === "pending") {
    const superseded = { ...SUPERSEDED, state: end.state };
    return {
      kind: "void",
      attempt: voidAttempt({ deliveryId: d.id, attempt: d.attempt }, s.worker, superseded, s.now),
      transition: from(["pending"]),
    };
  }
  // The retry ended without being sent, or its outcome is unknown: what is known of the first attempt is the better answer.
  const lesser: DeliveryState[] = ["uncertain", "failed", "expired", "suppressed", "cancelled"];
  return lesser.includes(d.state) ? { kind: "change", transition: from(lesser) } : { kind: "nothing" };
}

function endOf(receipt: Receipt, warning: Reason | undefined): { state: "sent" | "delivered" | "failed"; reason: Reason | undefined } {
  if (receipt.kind === "undelivered") return { state: "failed", reason: undelivered(receipt) };
  return { state: receipt.kind === "delivered" ? "delivered" : "sent", reason: warning };
}

const undelivered = ({ learned, reason: detail }: Receipt) => reason(learned ? REASON_OF_LEARNED[learned.kind] : "undelivered", detail);

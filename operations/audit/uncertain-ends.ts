import { type Delivery, isOpen } from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";

/** How attempts in doubt were resolved. */
export const UNCERTAIN_ENDS = [
  "receipt",
  "status-query",
  "late answer",
  "repeated by policy",
  "redriven by an operator",
  "given up",
  "open",
] as const;
export type UncertainEnd = (typeof UNCERTAIN_ENDS)[number];

/** One entry for each attempt of a delivery that is or was in doubt; an attempt under way is not in doubt. */
export const uncertainEnds = (d: Delivery, attempts: readonly AttemptRecord[]): UncertainEnd[] =>
  attempts
    .filter((a) => (a.outcome ? a.outcome.kind === "unanswered" : a.resolution || d.state !== "pending"))
    .map((a) => endOf(a, d, attempts));

function endOf(a: AttemptRecord, d: Delivery, attempts: readonly AttemptRecord[]): UncertainEnd {
  if (a.resolution) return a.resolution.by;
  if (d.attempt > a.number) {
    const next = attempts.find((other) => other.number === a.number + 1) ?? d;
    if ((next.redrive ?? 0) > (a.redrive ?? 0)) return "redriven by an operator";
    if (next.policyResend) return "repeated by policy";
  }
  if (isOpen(d.state)) return "open";
  // The worker recorded the outcome after the attempt had been marked as in doubt.
  return d.state === "sent" || d.state === "delivered" ? "late answer" : "given up";
}

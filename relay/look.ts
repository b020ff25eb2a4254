import { type AttemptSituation, decide, decideUncertain } from "../core/decide.ts";
import type { Delivery, NotificationRecord } from "../core/notification.ts";
import type { AttemptRecord } from "../core/ports/attempt-store.ts";
import type { DeliveryChange } from "../core/ports/notification-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { toTask } from "../core/task.ts";
import { closedAttempt, closedChange, decisionChange } from "../core/transition.ts";

/** Clocks of two machines may differ by this; a claim is called lost only after it. */
export const CLOCK_SKEW_MS = 5_000;

/** What is to be done about one delivery whose time has come. */
export type Look =
  | { kind: "publish"; task: DeliveryTask }
  /** Nobody claimed the attempt: close its number, and end the delivery if the closing was ours. */
  | { kind: "close"; attempt: AttemptRecord }
  /** The claim's holder is silent past its deadline: record that the outcome is unknown, and go on from what is recorded. */
  | { kind: "abandon"; attempt: AttemptRecord }
  | { kind: "change"; change: DeliveryChange };

/**
 * Looks at one open delivery. Pure.
 * @param attempt the record of the attempt now due, if anybody claimed it
 */
export function look(
  n: NotificationRecord,
  d: Delivery,
  attempt: AttemptRecord | undefined,
  s: { now: number; random: number; worker: string },
): Look {
  const on = { notificationId: n.id, deliveryId: d.id, attempt: d.attempt, expiresAt: n.expiresAt };
  if (attempt?.outcome) {
    // Recorded, but the worker died before the delivery learned of it; or the unknown outcome's time has come.
    if (attempt.outcome.kind === "closed") return { kind: "change", change: closedChange(on, attempt.outcome, s.now) };
    if (d.state === "uncertain" && attempt.outcome.kind === "unanswered") {
      const { notificationClass, expiresAt } = n;
      const decision = decideUncertain({ notificationClass, policyResend: d.policyResend ?? false, now: s.now, expiresAt });
      const change = decisionChange(on, decision, s.now);
      return { kind: "change", change: decision.kind === "retry" ? { ...change, set: { ...change.set, policyResend: true } } : change };
    }
    // The recording worker decided about a fallback; one look later the ordinary delay serves.
    const situation: AttemptSituation = {
      attempt: d.attempt,
      notificationClass: n.notificationClass,
      now: s.now,
      expiresAt: n.expiresAt,
      hasFallback: false,
      random: s.random,
    };
    return { kind: "change", change: decisionChange(on, decide(attempt.outcome, situation), s.now) };
  }
  if (attempt) {
    const lostAt = attempt.deadlineAt + CLOCK_SKEW_MS;
    if (s.now >= lostAt) return { kind: "abandon", attempt };
    // From pending only: whoever called it uncertain meanwhile has said when to look again.
    return {
      kind: "change",
      change: { notificationId: n.id, deliveryId: d.id, expect: { attempt: d.attempt, states: ["pending"] }, set: { nextAt: lostAt } },
    };
  }
  if (n.expiresAt <= s.now) {
    const outcome = { kind: "closed", state: "expired", reason: d.reason ?? "expired" } as const;
    return { kind: "close", attempt: closedAttempt(on, s.worker, outcome, s.now) };
  }
  return { kind: "publish", task: toTask(n, d) };
}

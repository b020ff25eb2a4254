import { type AttemptSituation, decide, decideUncertain, nextStatusQueryAt, type UncertainWaits } from "../core/delivery/decide.ts";
import { type Delivery, expiryOf, type NotificationRecord } from "../core/delivery/notification.ts";
import { reason } from "../core/delivery/reason.ts";
import { arrivedOf, SUPERSEDED } from "../core/delivery/superseded.ts";
import { toTask, tryOf } from "../core/delivery/task.ts";
import { type DecidedAttempt, decisionChange, voidAttempt, voidChange } from "../core/delivery/transitions.ts";
import { waitingLookMs } from "../core/delivery/watchdog.ts";
import { type AttemptOutcome, type AttemptRecord, knownOutcome } from "../core/ports/attempt-store.ts";
import type { DeliveryChange } from "../core/ports/notification-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";

/** Clocks of two machines may differ by this; a claim is called lost only after it. */
export const CLOCK_SKEW_MS = 5_000;

/** What is to be done about one delivery whose time has come. */
export type Look =
  | { kind: "publish"; task: DeliveryTask }
  /** Its last copy may still wait in the queue: another one would only make that longer. */
  | { kind: "waiting"; change: DeliveryChange }
  /** Its outcome is unknown, and the provider is asked again what became of it, until its class's policy speaks. */
  | { kind: "status-query"; task: DeliveryTask; nextAt: number }
  /** Nobody claimed the attempt: close its number, and end the delivery if the closing was ours. */
  | { kind: "close"; attempt: AttemptRecord }
  /** The claim's holder is silent past its deadline: record that the outcome is unknown, and go on from what is recorded. */
  | { kind: "abandon"; attempt: AttemptRecord }
  | { kind: "change"; change: DeliveryChange };

export interface Situation {
  /** ms since the epoch. */
  now: number;
  /** In [0, 1). */
  random: number;
  worker: string;
  /** How long an unknown outcome waits before its class's policy speaks. */
  uncertainWaitMs: UncertainWaits;
  /** How long after an attempt became uncertain its provider can first be asked about it, in ms; undefined: it never can. */
  statusQueryFirstMs(provider: string): number | undefined;
  /** First look after a publication that nothing came of. */
  watchdogFirstMs: number;
  /** As QueueLag tells it, where the look is at a copy; undefined: another one is published. */
  waitingSince: number | undefined;
}

/** Whether a task would be published that was published before. */
export const isRepeat = ({ state, publications }: Delivery) => state === "pending" && publications > 0;

/**
 * Looks at one open delivery. Pure.
 * @param attempt the record of the attempt now due, if anybody claimed it
 * @param earlier where it repeats one of unknown outcome, those before it
 */
export function look(
  n: NotificationRecord,
  d: Delivery,
  attempt: AttemptRecord | undefined,
  s: Situation,
  earlier: readonly AttemptRecord[] = [],
): Look {
  const expiresAt = expiryOf(n, d);
  const on = { notificationId: n.id, deliveryId: d.id, attempt: d.attempt, expiresAt };
  const outcome = attempt && knownOutcome(attempt);
  const arrived = arrivedOf(earlier);
  // Whatever the repetition came to, what it repeats turned out to have been taken.
  if (arrived && !attempt) return { kind: "close", attempt: voidAttempt(on, s.worker, SUPERSEDED, s.now) };
  if (arrived && outcome && isLess(outcome))
    return {
      kind: "change",
      change: decisionChange(on, { kind: "sent", providerRef: arrived.providerRef, reason: SUPERSEDED.reason }, s.now),
    };
  if (outcome) {
    // Recorded, but the worker died before the delivery learned of it; or the unknown outcome's time has come.
    if (outcome.kind === "void") return { kind: "change", change: voidChange(on, outcome, s.now) };
    if (d.state === "uncertain" && outcome.kind === "unanswered") return evaluateUncertain(n, d, attempt, on, s);
    // The recording worker decided about a fallback; one look later the ordinary delay serves.
    const situation: AttemptSituation = { attempt: tryOf(d), now: s.now, expiresAt, hasFallback: false, random: s.random };
    return { kind: "change", change: decisionChange(on, decide(outcome, situation), s.now) };
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
  if (expiresAt <= s.now) {
    const expired = { kind: "void", state: "expired", reason: d.reason ?? reason("expired") } as const;
    return { kind: "close", attempt: voidAttempt(on, s.worker, expired, s.now) };
  }
  if (isRepeat(d) && s.waitingSince !== undefined && mayWait(n, d, s.waitingSince)) {
    const nextAt = Math.min(s.now + waitingLookMs(s.now - s.waitingSince, s.watchdogFirstMs), expiresAt);
    const expect = { attempt: d.attempt, states: ["pending"] as const };
    return { kind: "waiting", change: { notificationId: n.id, deliveryId: d.id, expect, set: { nextAt } } };
  }
  return { kind: "publish", task: toTask(n, d) };
}

/** Than that what it repeats was taken. What closed the number only because of that has not said by which reference. */
function isLess(outcome: AttemptOutcome): boolean {
  return outcome.kind === "void" ? outcome.state !== "delivered" && outcome.state !== "cancelled" : outcome.kind !== "accepted";
}

/**
 * Whoever published it has another clock, and the gateway's copy came into the queue a moment after its acceptance. Were that counted against it, a
 * backlog of just the watchdog's age would be published twice and never become shorter; a lost copy is only found so much later, since time moves on.
 */
function mayWait(n: NotificationRecord, d: Delivery, since: number): boolean {
  return (d.publishedAt ?? Math.max(n.acceptedAt, n.sendAt)) + CLOCK_SKEW_MS >= since;
}

/** Asks the provider again while there is time for receipts and status queries; then the class's policy speaks. */
function evaluateUncertain(n: NotificationRecord, d: Delivery, attempt: AttemptRecord, on: DecidedAttempt, s: Situation): Look {
  const { notificationClass } = n;
  // An older version did not write it down; a moment that moves on would never end.
  const since = d.uncertainSince ?? attempt.answeredAt ?? attempt.startedAt;
  const until = since + s.uncertainWaitMs[notificationClass];
  if (s.now < until) {
    const firstMs = s.statusQueryFirstMs(attempt.provider);
    const firstAt = firstMs === undefined ? until : Math.min(until, since + firstMs);
    if (s.now >= firstAt)
      return { kind: "status-query", task: toTask(n, d, { statusQuery: true }), nextAt: nextStatusQueryAt(since, s.now, until, firstMs) };
    const { notificationId, deliveryId } = on;
    const expect = { attempt: on.attempt, states: ["uncertain"] as const };
    return { kind: "change", change: { notificationId, deliveryId, expect, set: { nextAt: firstAt } } };
  }
  const decision = decideUncertain({ notificationClass, policyResend: d.policyResend ?? false, now: s.now, expiresAt: on.expiresAt });
  const change = decisionChange(on, decision, s.now);
  return { kind: "change", change: decision.kind === "retry" ? { ...change, set: { ...change.set, policyResend: true } } : change };
}

import { type AttemptSituation, decide, nextStatusQueryAt, type UncertainWaits } from "../core/delivery/decide.ts";
import { deferredTo } from "../core/delivery/deferral.ts";
import { type Confirmation, decideUncertain, type InDoubtRepeats, uncertainWaitMs } from "../core/delivery/in-doubt.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { reason } from "../core/delivery/reason.ts";
import { acceptedOf, SUPERSEDED } from "../core/delivery/superseded.ts";
import { attemptOfRun, toTask } from "../core/delivery/task.ts";
import {
  type AttemptFacts,
  decided,
  deferred,
  factsOf,
  postponed,
  sent,
  type Transition,
  voided,
  waiting,
} from "../core/delivery/transitions.ts";
import { endOfVoid, expiryOfRun, mayHaveGone, voidAttempt } from "../core/delivery/void-attempt.ts";
import { queuedWaitMs } from "../core/delivery/watchdog.ts";
import { type AttemptOutcome, type AttemptRecord, knownOutcome } from "../core/ports/attempt-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { pausedReason, pausedUntil } from "../core/steering/steering.ts";
import type { Target } from "../core/steering/target.ts";

/** How far two machines' clocks may differ, in ms; a claim is declared lost only this long after its deadline. */
export const CLOCK_SKEW_MS = 5_000;

/** What is to be done about one delivery that is due. */
export type Effect =
  /** `dueAt`: the due time that was read. */
  | { kind: "publish"; task: DeliveryTask; dueAt: number | undefined }
  /** Its last copy may still be queued: another one would only lengthen the queue. */
  | { kind: "waiting"; transition: Transition }
  /** Its outcome is unknown: the provider is asked again, until the policy of its class decides. */
  | { kind: "status-query"; task: DeliveryTask; nextAt: number }
  /** The attempt is not claimed: void its number. The next evaluation, at once, ends the delivery. */
  | { kind: "void"; on: AttemptFacts; attempt: AttemptRecord }
  /** The claim's holder is silent past its deadline: record that the outcome is unknown. The next evaluation, at once, goes on from that. */
  | { kind: "abandon"; on: AttemptFacts; attempt: AttemptRecord }
  | { kind: "change"; transition: Transition };

export interface Situation {
  /** ms since the epoch. */
  now: number;
  /** In [0, 1). */
  random: number;
  worker: string;
  /** How long an unknown outcome waits before the policy decides, unless the provider can tell sooner or later. */
  uncertainWaitMs: UncertainWaits;
  /** What is repeated then. */
  inDoubtRepeats: InDoubtRepeats;
  /** What can tell the outcome of the provider's attempts. */
  confirmationOf(provider: string): Confirmation;
  /** How long after an attempt became uncertain its provider can first be asked about it, in ms; undefined: it never can. */
  statusQueryFirstMs(provider: string): number | undefined;
  /** How long after a publication without effect the task is published again. */
  watchdogFirstMs: number;
  /** QueueLag's answer, where a copy may be published; undefined: not known, publish it. */
  waitingSince: number | undefined;
  /** Until when the recipient is not to be disturbed; ms since the epoch. Undefined: it may be sent now, or that is not known. */
  quietUntil?: number | undefined;
  /** What an operator has paused that the delivery belongs to. */
  paused?: Target | undefined;
}

/** Whether its task was published before. */
export const isRepeat = ({ state, publishCount }: Delivery) => state === "pending" && publishCount > 0;

/**
 * Evaluates one open delivery that is due. Pure.
 * @param attempt the record of its current attempt, if it was claimed
 * @param earlier the attempts of unknown outcome that the current one repeats, if any
 */
export function evaluate(
  n: NotificationRecord,
  d: Delivery,
  attempt: AttemptRecord | undefined,
  s: Situation,
  earlier: readonly AttemptRecord[] = [],
): Effect {
  const on = factsOf(n, d);
  const outcome = attempt && knownOutcome(attempt);
  // An earlier attempt was accepted after all, so the retry is not needed, and a weaker outcome of it does not count.
  const accepted = acceptedOf(earlier);
  if (accepted && !attempt) return { kind: "void", on, attempt: voidAttempt(on, s.worker, SUPERSEDED, s.now) };
  if (accepted && outcome && isWeaker(outcome))
    return { kind: "change", transition: sent(on, { providerRef: accepted.providerRef, reason: SUPERSEDED.reason }, s.now) };
  if (attempt && outcome) return evaluateOutcome(n, d, attempt, outcome, s);
  if (attempt) {
    const lostAt = attempt.deadlineAt + CLOCK_SKEW_MS;
    if (s.now >= lostAt) return { kind: "abandon", on, attempt };
    return { kind: "change", transition: postponed(on, "pending", lostAt) };
  }
  if (on.expiresAt <= s.now) {
    return { kind: "void", on, attempt: voidAttempt(on, s.worker, expiryOfRun(d, d.reason), s.now) };
  }
  if (isRepeat(d) && s.waitingSince !== undefined && mayBeQueued(n, d, s.waitingSince)) {
    const nextAt = Math.min(s.now + queuedWaitMs(s.now - s.waitingSince, s.watchdogFirstMs), on.expiresAt);
    return { kind: "waiting", transition: waiting(on, nextAt, d.nextAt) };
  }
  const task = toTask(n, d);
  if (s.paused) {
    const nextAt = pausedUntil(on, s.now, s.random);
    return { kind: "change", transition: deferred(task, { nextAt, reason: pausedReason(s.paused), dueAt: d.nextAt }) };
  }
  if (s.quietUntil !== undefined) {
    const nextAt = deferredTo(s.quietUntil, on);
    if (nextAt === undefined) return { kind: "void", on, attempt: voidAttempt(on, s.worker, expiryOfRun(d, QUIET_HOURS), s.now) };
    return { kind: "change", transition: deferred(task, { nextAt, reason: QUIET_HOURS, dueAt: d.nextAt }) };
  }
  return { kind: "publish", task, dueAt: d.nextAt };
}

const QUIET_HOURS = reason("quiet-hours");

/** The outcome is recorded: the worker died before it changed the delivery, or the wait for an unknown outcome has passed. */
function evaluateOutcome(n: NotificationRecord, d: Delivery, attempt: AttemptRecord, outcome: AttemptOutcome, s: Situation): Effect {
  const on = factsOf(n, d);
  if (outcome.kind === "void") return { kind: "change", transition: voided(on, endOfVoid(d, outcome), s.now) };
  if (d.state === "uncertain" && outcome.kind === "unanswered") return evaluateUncertain(n, d, attempt, s);
  // Whether another provider may be tried at once was the recording worker's decision; here the ordinary delay applies.
  const { expiresAt } = on;
  const { now, random } = s;
  const attempted = { attempt: attemptOfRun(d), mayHaveGone: mayHaveGone(d) };
  const situation: AttemptSituation = { ...attempted, now, expiresAt, hasFallback: false, random };
  return { kind: "change", transition: decided(on, decide(outcome, situation), s.now) };
}

/**
 * True when this outcome is weaker than "an earlier attempt was accepted". A void attempt written for that very reason counts as weaker: it lacks
 * the provider's reference.
 */
function isWeaker(outcome: AttemptOutcome): boolean {
  return outcome.kind === "void" ? outcome.state !== "delivered" : outcome.kind !== "accepted";
}

/**
 * Whether the last copy may still be queued: it was published after the oldest task that waits. Clock skew is resolved in favour of "still queued":
 * otherwise a backlog as old as the watchdog's wait would be published twice and never become shorter. A lost copy is found that much later.
 */
function mayBeQueued(n: NotificationRecord, d: Delivery, waitingSince: number): boolean {
  return (d.publishedAt ?? Math.max(n.acceptedAt, n.sendAt)) + CLOCK_SKEW_MS >= waitingSince;
}

/** Has the provider asked again while there is time for receipts and status queries; then the policy of channel and class decides. */
function evaluateUncertain(n: NotificationRecord, d: Delivery, attempt: AttemptRecord, s: Situation): Effect {
  const on = factsOf(n, d);
  const { notificationClass, content, collapseKey } = n;
  const policyResend = d.policyResend ?? false;
  const situation = {
    ...{ channel: d.channel, endpoint: d.endpoint },
    notificationClass,
    content,
    collapseKey,
    policyResend,
    now: s.now,
    expiresAt: on.expiresAt,
    repeats: s.inDoubtRepeats,
  };
  const firstMs = s.statusQueryFirstMs(attempt.provider);
  // Versions before 0.1.0 did not store it; a moment that moves with `now` would never pass.
  const since = d.uncertainSince ?? attempt.answeredAt ?? attempt.startedAt;
  const until = since + uncertainWaitMs(situation, s.confirmationOf(attempt.provider), s.uncertainWaitMs);
  if (s.now < until) {
    const firstAt = firstMs === undefined ? until : Math.min(until, since + firstMs);
    if (s.now >= firstAt)
      return { kind: "status-query", task: toTask(n, d, { statusQuery: true }), nextAt: nextStatusQueryAt(since, s.now, until, firstMs) };
    return { kind: "change", transition: postponed(on, "uncertain", firstAt) };
  }
  return { kind: "change", transition: decided(on, decideUncertain(situation), s.now) };
}

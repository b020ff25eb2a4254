// The only producers of a delivery's change. Each names what it does, and returns with the change the events that it means.
import type { Channel, NotificationClass } from "./channel.ts";
import { type Decision, STATUS_QUERY_FIRST_MS } from "./decide.ts";
import type { DeliveryEvent, DeliveryEventKind } from "./event.ts";
import {
  type Delivery,
  type DeliveryState,
  type EndState,
  expiryOf,
  type NotificationRecord,
  OPEN_STATES,
  type OpenState,
} from "./notification.ts";
import type { Reason } from "./reason.ts";
import type { Void } from "./void-attempt.ts";
import { watchdogMs } from "./watchdog.ts";

/** What a change holds; plain data for the stores. */
export interface ChangeFields {
  readonly notificationId: string;
  readonly deliveryId: string;
  /** Applied only if the delivery still is so: states only move forward. */
  readonly expect: {
    readonly attempt: number;
    readonly states: readonly DeliveryState[];
    /** Absent: any publish count. */
    readonly publishCounts?: readonly number[];
    /** Absent: any due time. */
    readonly nextAt?: number;
  };
  /** Merged over the delivery; `nextAt: undefined` removes it, as every end must. */
  readonly set: Readonly<Partial<Omit<Delivery, "id" | "channel" | "endpoint" | "endpointId">>>;
}
/** Exists for the type checker only: neither a literal nor a spread has its private field, so no other file can make a change. */
declare class Sealed {
  private readonly sealed: true;
}
/** A change of one delivery. */
export type DeliveryChange = ChangeFields & Sealed;

interface TransitionFields {
  readonly change: DeliveryChange;
  /** To be recorded once the change was applied. */
  readonly events: readonly DeliveryEvent[];
}
export type Transition = TransitionFields & Sealed;

/** Which delivery, and which attempt of it, a transition is about. A task holds all of it. */
export interface AttemptFacts {
  notificationId: string;
  deliveryId: string;
  channel: Channel;
  notificationClass: NotificationClass;
  category: string;
  attempt: number;
  /** ms since the epoch. */
  expiresAt: number;
}

export const factsOf = (n: NotificationRecord, d: Delivery): AttemptFacts => ({
  notificationId: n.id,
  deliveryId: d.id,
  channel: d.channel,
  notificationClass: n.notificationClass,
  category: n.category,
  attempt: d.attempt,
  expiresAt: expiryOf(n, d),
});

/** The events of a notification that was stored. */
export const accepted = (n: NotificationRecord): DeliveryEvent[] =>
  n.deliveries.flatMap((d) => {
    const on = factsOf(n, d);
    const first = eventOf(on, "accepted", "pending", n.acceptedAt);
    return d.state === "suppressed" ? [first, eventOf(on, "suppressed", d.state, n.acceptedAt, d.reason)] : [first];
  });

/** The event of an attempt that was claimed. */
export const attempted = (on: AttemptFacts, at: number): DeliveryEvent => eventOf(on, "attempted", "pending", at);

/** A task of a delivery, with the number of the copy. */
type Published = AttemptFacts & { publication: number; policyResend: boolean };

/** The queue has the task. At `nextAt` the watchdog evaluates the delivery, unless the task has had an effect by then. */
export function published(task: Published, at: { now: number; publishedAt: number; watchdogFirstMs: number }): Transition {
  const nextAt = Math.min(at.now + watchdogMs(task.publication, at.watchdogFirstMs), latest(task, at.now));
  const set = { nextAt, publishCount: task.publication + 1, publishedAt: at.publishedAt };
  // A dispatcher may have handed this copy back already: its due time stands.
  return transition(task, ["pending"], set, [eventOf(task, "published", "pending", at.now)], { publishCounts: [task.publication] });
}

/** A wait from now on. `dueAt`: the due time that was read: where a dispatcher has handed its task back since, the due time that it set stands. */
interface Delay {
  now: number;
  waitMs: number;
  dueAt: number | undefined;
}

/** The queue did not confirm the task, though it may have it: the same copy is published again after the wait. */
export function notPublished(task: Published, { now, waitMs, dueAt }: Delay): Transition {
  const set = { nextAt: Math.min(now + waitMs, latest(task, now)), publishCount: task.publication };
  return transition(task, ["pending"], set, [], dueStill(dueAt));
}

/** Its app has its share of the queue: the task is due again after the wait, and no copy of it is queued. */
export function heldBack(task: Published, { now, waitMs, dueAt }: Delay): Transition {
  const set = { nextAt: Math.min(now + Math.ceil(waitMs), latest(task, now)), publishedAt: 0 };
  return transition(task, ["pending"], set, [], dueStill(dueAt));
}

/** It may not be sent before `nextAt`. No copy of its task is queued, as far as is known. `dueAt` as in Delay. */
export function deferred(task: Published, wait: { nextAt: number; reason: Reason; dueAt: number | undefined }): Transition {
  const set = { nextAt: wait.nextAt, ...reasonToWait(task, wait.reason), publishedAt: 0 };
  return transition(task, ["pending"], set, [], { publishCounts: [task.publication], ...dueStill(wait.dueAt) });
}

/** A status query was published; the next is due at `nextAt`. */
export const statusQueried = (task: Published, nextAt: number): Transition =>
  transition(task, ["uncertain"], { nextAt, publishCount: task.publication + 1 });

/** Nothing to do before `nextAt`. From one state only: a transition to the other state has set a due time of its own. */
export const postponed = (on: AttemptFacts, state: OpenState, nextAt: number): Transition => transition(on, [state], { nextAt });

/** A copy of its task may still be queued: nothing to do before `nextAt`, unless a dispatcher has handed it back since `dueAt` was read. */
export const waiting = (on: AttemptFacts, nextAt: number, dueAt: number | undefined): Transition =>
  transition(on, ["pending"], { nextAt }, [], dueStill(dueAt));

/**
 * A dispatcher has handed its task back: nothing may be sent before `nextAt`. No copy of it is queued any more, so that the relay publishes
 * the next one whatever else waits there.
 */
export function handedBack(task: Published, wait: { nextAt: number; reason: Reason }): Transition {
  const [before, after] = [task.publication, task.publication + 1];
  // The relay may not have noted yet that it published this copy. Where it published a later one, that one counts.
  const set = { nextAt: wait.nextAt, ...reasonToWait(task, wait.reason), publishedAt: 0, publishCount: after };
  return transition(task, ["pending"], set, [], { publishCounts: [before, after] });
}

/** It waits for nothing any more: due at `at`, unless its due time has changed since `dueAt` was read. */
export const released = (on: AttemptFacts, at: number, dueAt: number | undefined): Transition =>
  transition(on, ["pending"], { nextAt: at }, [], dueStill(dueAt));

export const sent = (on: AttemptFacts, end: { providerRef: string; reason?: Reason | undefined }, now: number): Transition =>
  ended(on, OPEN_STATES, { state: "sent", providerRef: end.providerRef, reason: end.reason }, now);

export const expired = (on: AttemptFacts, reason: Reason, now: number): Transition =>
  ended(on, OPEN_STATES, { state: "expired", reason }, now);

export const failed = (on: AttemptFacts, reason: Reason, now: number): Transition =>
  ended(on, OPEN_STATES, { state: "failed", reason }, now);

/** The next attempt is due at `retry.at`; the message cannot have gone out under this one, or the class allows a second copy. */
export function retried(on: AttemptFacts, retry: Extract<Decision, { kind: "retry" }>, now: number): Transition {
  const attempt = on.attempt + 1;
  const set = {
    ...({ state: "pending", attempt, publishCount: 0, nextAt: Math.min(retry.at, on.expiresAt), reason: retry.reason } as const),
    uncertainSince: undefined,
    ...(retry.policyResend ? { policyResend: true } : {}),
  };
  return transition(on, OPEN_STATES, set, [
    eventOf({ ...on, attempt }, retry.policyResend ? "repeated" : "retried", "pending", now, retry.reason),
  ]);
}

/** The outcome is unknown. From pending only: an attempt that is already being resolved keeps its first deadline. */
export function inDoubt(on: AttemptFacts, reason: Reason, now: number): Transition {
  const set = { state: "uncertain", uncertainSince: now, nextAt: now + STATUS_QUERY_FIRST_MS, reason } as const;
  return transition(on, ["pending"], set, [eventOf(on, "in-doubt", "uncertain", now, reason)]);
}

/** What a decision does to its delivery. */
export function decided(on: AttemptFacts, decision: Decision, now: number): Transition {
  switch (decision.kind) {
    case "sent":
      return sent(on, decision, now);
    case "retry":
      return retried(on, decision, now);
    case "uncertain":
      return inDoubt(on, decision.reason, now);
    case "expired":
      return expired(on, decision.reason, now);
    case "failed":
      return failed(on, decision.reason, now);
  }
}

/** What a void attempt means for its delivery. */
export const voided = (on: AttemptFacts, { state, reason }: Void, now: number, providerRef?: string): Transition =>
  ended(on, OPEN_STATES, { state, reason, ...(providerRef ? { providerRef } : {}) }, now);

/** A provider's later report ends the delivery, or replaces the end that it had. */
export const reported = (
  on: AttemptFacts,
  from: readonly DeliveryState[],
  end: { state: "sent" | "delivered" | "failed"; reason: Reason | undefined; providerRef?: string | undefined },
  now: number,
): Transition =>
  ended(on, from, { state: end.state, reason: end.reason, ...(end.providerRef ? { providerRef: end.providerRef } : {}) }, now);

/** An operator starts a new run of a failed delivery, due at `run.at`. */
export function redriven(
  on: AttemptFacts,
  run: { at: number; expiresAt?: number | undefined; redrive?: number | undefined },
  now: number,
): Transition {
  const attempt = on.attempt + 1;
  const set = {
    ...({ state: "pending", attempt, runStart: attempt, publishCount: 0, nextAt: run.at } as const),
    ...{ endedAt: undefined, reason: undefined, uncertainSince: undefined, policyResend: undefined, providerRef: undefined },
    ...(run.redrive === undefined ? {} : { redrive: run.redrive }),
    ...(run.expiresAt === undefined ? {} : { expiresAt: run.expiresAt }),
  };
  return transition(on, ["failed"], set, [eventOf({ ...on, attempt }, "redriven", "pending", now)]);
}

interface End {
  state: EndState;
  reason: Reason | undefined;
  providerRef?: string;
}

function ended(on: AttemptFacts, from: readonly DeliveryState[], end: End, now: number): Transition {
  const set = { ...end, nextAt: undefined, endedAt: now };
  return transition(on, from, set, [eventOf(on, end.state, end.state, now, end.reason)]);
}

/**
 * What repeats an attempt of unknown outcome keeps its reason while it waits for a moment: if it expires then, it may have been sent. What waits for a
 * provider or a store says so, because operators can do something about it.
 */
const reasonToWait = ({ policyResend }: Published, reason: Reason) =>
  policyResend && (reason.code === "quiet-hours" || reason.code === "cap") ? {} : { reason };

/** The expiry, or the next millisecond where it has passed. */
const latest = ({ expiresAt }: AttemptFacts, now: number) => Math.max(expiresAt, now + 1);

const dueStill = (nextAt: number | undefined) => (nextAt === undefined ? {} : { nextAt });

function transition(
  on: AttemptFacts,
  states: readonly DeliveryState[],
  set: ChangeFields["set"],
  events: readonly DeliveryEvent[] = [],
  also: Pick<ChangeFields["expect"], "publishCounts" | "nextAt"> = {},
): Transition {
  const { notificationId, deliveryId, attempt } = on;
  const expect = { attempt, states, ...also };
  const change: ChangeFields = { notificationId, deliveryId, expect, set };
  const fields: TransitionFields = { change: change as DeliveryChange, events };
  return fields as Transition;
}

function eventOf(on: AttemptFacts, kind: DeliveryEventKind, state: DeliveryState, at: number, reason?: Reason): DeliveryEvent {
  const { notificationId, deliveryId, channel, notificationClass, category, attempt } = on;
  return { kind, notificationId, deliveryId, channel, notificationClass, category, state, attempt, at, ...(reason ? { reason } : {}) };
}

import type { AttemptResult } from "../ports/attempt-store.ts";
import type { EventRecorder } from "../ports/event-recorder.ts";
import type { NotificationStore } from "../ports/notification-store.ts";
import type { Store } from "../ports/store.ts";
import type { Transition } from "./transitions.ts";

/** Writes the changes, and records the events of those that the store applied. Resolves with whether each transition was applied. */
export async function applyTransitions(
  notifications: Pick<NotificationStore, "change">,
  recorder: EventRecorder,
  transitions: readonly Transition[],
): Promise<boolean[]> {
  const applied = await notifications.change(transitions.map(({ change }) => change));
  recordApplied(recorder, transitions, applied);
  return applied;
}

/** The outcome of an attempt, and how it changes the delivery. */
export interface Settlement {
  result: AttemptResult;
  transition: Transition;
}

/**
 * The same together with the outcomes of the attempts, in one write where the store can. Where that fails, in two, the outcomes first: one notification that
 * cannot be changed must not keep the outcomes of all others from being recorded. For each whether its outcome was recorded.
 */
export async function applySettlements(
  store: Pick<Store, "attempts" | "notifications"> & { settle: NonNullable<Store["settle"]> },
  recorder: EventRecorder,
  settlements: readonly Settlement[],
): Promise<boolean[]> {
  const [results, transitions] = [settlements.map(({ result }) => result), settlements.map(({ transition }) => transition)];
  const ends = settlements.map(({ result, transition }) => ({ result, change: transition.change }));
  const written = await store.settle(ends).catch(() => undefined);
  if (written) {
    const applied = written.map(({ changed }) => changed);
    recordApplied(recorder, transitions, applied);
    return written.map(({ recorded }) => recorded);
  }
  const recorded = await store.attempts.record(results);
  await applyTransitions(store.notifications, recorder, transitions);
  return recorded;
}

function recordApplied(recorder: EventRecorder, transitions: readonly Transition[], applied: readonly boolean[]): void {
  recorder.record(transitions.flatMap(({ events }, i) => (applied[i] ? events : [])));
}

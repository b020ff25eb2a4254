import type { EventRecorder } from "../ports/event-recorder.ts";
import type { NotificationStore } from "../ports/notification-store.ts";
import type { Transition } from "./transitions.ts";

/** Writes the changes; records the events of those that the store applied. For each transition whether it was applied. */
export async function applyTransitions(
  notifications: Pick<NotificationStore, "change">,
  recorder: EventRecorder,
  transitions: readonly Transition[],
): Promise<boolean[]> {
  const applied = await notifications.change(transitions.map(({ change }) => change));
  recorder.record(transitions.flatMap(({ events }, i) => (applied[i] ? events : [])));
  return applied;
}

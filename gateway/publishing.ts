import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { toTask } from "../core/delivery/task.ts";
import { notPublished, type Transition } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { DeliveryTask, TaskPublisher } from "../core/ports/queue.ts";
import { createBatcher } from "../runtime/batch.ts";

/** Until the relay publishes what the gateway could not, in ms: a busy stream has room again by then, and a missing one is not retried too often. */
const HAND_OVER_WAIT_MS = 1_000;
/** Bounds of the changes that make a delivery due at once. One that finds no room is dropped: the delivery is due at the watchdog's time, later. */
const HAND_OVERS = { batchMax: 500, waitingMax: 20_000, concurrency: 1 };

export interface Publishing {
  /** Publishes the due deliveries of a notification just stored, without waiting for the result; the relay publishes what fails. */
  publish(record: NotificationRecord): void;
  /** Resolves when no publish is in progress. */
  settled(): Promise<void>;
}

export function createPublishing(parts: {
  publisher: TaskPublisher;
  notifications: Pick<NotificationStore, "change">;
  recorder: EventRecorder;
  clock: Clock;
  failpoint: Failpoint;
}): Publishing {
  const { publisher, notifications, recorder, clock, failpoint } = parts;
  const handOvers = createBatcher((items: readonly Transition[]) => applyTransitions(notifications, recorder, items), HAND_OVERS, clock);
  const underWay = new Set<Promise<void>>();

  async function publishOne(task: DeliveryTask, dueAt: number | undefined): Promise<void> {
    const published = await publisher.publish(task);
    failpoint("gateway.published", task.category);
    if (published) return;
    // If the store is unavailable too, the delivery stays due at the watchdog's time, as if its task had been published.
    await handOvers.add(notPublished(task, { now: clock.now(), waitMs: HAND_OVER_WAIT_MS, dueAt })).catch(() => undefined);
  }

  return {
    publish(record) {
      for (const delivery of record.deliveries) {
        if (delivery.state !== "pending" || delivery.publishCount === 0) continue;
        const work = publishOne({ ...toTask(record, delivery), publication: 0 }, delivery.nextAt).finally(() => underWay.delete(work));
        underWay.add(work);
      }
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}

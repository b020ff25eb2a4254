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

/** When the relay looks at what could not be published: a stream too busy for a moment has room again, an absent one is not hurried. */
const HAND_OVER_WAIT_MS = 1_000;
/** Changes of one write, and of those waiting: what finds no room keeps the watchdog's time, which is later. */
const HAND_OVERS = { batchMax: 500, waitingMax: 20_000, concurrency: 1 };

export interface Publishing {
  /** Publishes what is due of a notification just stored; what does not get through is the relay's. Does not wait. */
  publish(record: NotificationRecord): void;
  /** Resolves when none is under way. */
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

  async function publishOne(task: DeliveryTask): Promise<void> {
    const published = await publisher.publish(task);
    failpoint("gateway.published", task.category);
    if (published) return;
    // If the store is unavailable too, the watchdog finds it: it is due as if it had been published.
    await handOvers.add(notPublished(task, clock.now(), HAND_OVER_WAIT_MS)).catch(() => undefined);
  }

  return {
    publish(record) {
      for (const delivery of record.deliveries) {
        if (delivery.state !== "pending" || delivery.publishCount === 0) continue;
        const work = publishOne({ ...toTask(record, delivery), publication: 0 }).finally(() => underWay.delete(work));
        underWay.add(work);
      }
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}

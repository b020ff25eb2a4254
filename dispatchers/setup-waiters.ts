import { LRUCache } from "lru-cache";
import { applyTransitions } from "../core/delivery/apply-transitions.ts";
import { type AttemptFacts, postponed } from "../core/delivery/transitions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { Store } from "../core/ports/store.ts";
import type { Logger } from "../runtime/logger.ts";

/** How many deliveries are remembered, the latest ones; they take 2 MB. Others are retried when they are due. */
const WAITERS_MAX = 10_000;
/** One round trip's worth. */
const BATCH_MAX = 200;

/** The deliveries of this process that wait because a provider rejects our keys or settings: up to 30 s, or minutes with an open circuit. */
export interface SetupWaiters {
  /** It waits under this attempt's number. */
  add(waiting: AttemptFacts): void;
  /** Makes all of them due now: there are new keys. Never rejects. */
  wake(): Promise<void>;
}

export function createSetupWaiters(parts: {
  store: Pick<Store, "notifications">;
  recorder: EventRecorder;
  clock: Clock;
  log: Logger;
}): SetupWaiters {
  const { store, recorder, clock, log } = parts;
  const waiters = new LRUCache<string, AttemptFacts>({ max: WAITERS_MAX });
  return {
    add({ notificationId, deliveryId, channel, notificationClass, category, attempt, expiresAt }) {
      // Without the content of a task.
      waiters.set(deliveryId, { notificationId, deliveryId, channel, notificationClass, category, attempt, expiresAt });
    },
    async wake() {
      const waiting = [...waiters.values()];
      waiters.clear();
      try {
        for (let from = 0; from < waiting.length; from += BATCH_MAX) {
          const batch = waiting.slice(from, from + BATCH_MAX).map((on) => postponed(on, "pending", clock.now()));
          // Not applied where the delivery has another attempt or an end by now.
          await applyTransitions(store.notifications, recorder, batch);
        }
      } catch (error) {
        log.warn(
          { err: error, waiting: waiting.length },
          "what waits for new keys could not be made due; it is retried when it was due before",
        );
      }
    },
  };
}

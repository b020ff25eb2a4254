import { LRUCache } from "lru-cache";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import { type TokenBucket, takeFrom } from "../core/quotas/bucket.ts";

/** Looks for the notification that an idempotency key already has, for an app that is at a limit. */
export interface Repeats {
  /** Undefined: there is none, or the app has used up its reads; its caller repeats the call and gets its answer then. */
  find(app: string, id: string): Promise<NotificationRecord | undefined>;
}

/**
 * Reads for keys that a limit rejects, per app: enough to answer every repeated call of a normal app, and a hundredth of what a store does. Without this
 * bound an app at its limit would cost the store a read per rejected notification.
 */
const READS = { ratePerSecond: 100, burst: 200 };
/** Apps remembered; one that is forgotten begins with a full burst. */
const APPS_MAX = 10_000;

export function createRepeats(store: Pick<NotificationStore, "find">, clock: Pick<Clock, "monotonic">): Repeats {
  const buckets = new LRUCache<string, TokenBucket>({ max: APPS_MAX });
  return {
    async find(app, id) {
      const { bucket, granted } = takeFrom(buckets.get(app), READS, 1, clock.monotonic());
      buckets.set(app, bucket);
      return granted > 0 ? store.find(id) : undefined;
    },
  };
}

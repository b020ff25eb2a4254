import { LRUCache } from "lru-cache";
import type { Clock } from "../core/ports/clock.ts";
import { type BucketLimit, type TokenBucket, takeFrom } from "../core/quotas/bucket.ts";

/** Whether an app may have so many more units of work done beyond its limits, in this process. Takes all of `units` or nothing. */
export type AppBudget = (app: string, units?: number) => boolean;

/** Apps remembered; one that is forgotten begins with a full burst. */
const APPS_MAX = 10_000;

export function createAppBudget(limit: BucketLimit, clock: Pick<Clock, "monotonic">): AppBudget {
  // By size, since `max` allocates the room for all of them at once.
  const buckets = new LRUCache<string, TokenBucket>({ maxSize: APPS_MAX, sizeCalculation: () => 1 });
  return (app, units = 1) => {
    const { bucket, granted } = takeFrom(buckets.get(app), limit, units, clock.monotonic());
    if (granted < units) return false;
    buckets.set(app, bucket);
    return true;
  };
}

import { LRUCache } from "lru-cache";
import type { Clock } from "../core/ports/clock.ts";
import { type TokenBucket, takeFrom } from "../core/quotas/bucket.ts";

/** Requests with the links of one person: a person makes a handful, mail programs and scanners some more. Each may read and write the store. */
export const SUBJECT_LIMIT = { burst: 30, ratePerSecond: 0.5 } as const;
/** How many people are remembered; they take 2 MB. A person who was forgotten has the full burst again. */
const SUBJECTS_MAX = 10_000;

/** Whether one more request about a subject is within its limit, in this process. */
export function createSubjectLimit(clock: Pick<Clock, "monotonic">): (app: string, subject: string) => boolean {
  const buckets = new LRUCache<string, TokenBucket>({ max: SUBJECTS_MAX });
  return (app, subject) => {
    const key = `${app} ${subject}`;
    const { bucket, granted } = takeFrom(buckets.get(key), SUBJECT_LIMIT, 1, clock.monotonic());
    buckets.set(key, bucket);
    return granted > 0;
  };
}

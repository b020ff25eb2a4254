import type { Clock } from "../../core/ports/clock.ts";
import { type BucketLimit, type TokenBucket, takeFrom } from "../../core/quotas/bucket.ts";

/**
 * Sign-ins of everybody together, at each replica: a team signs in within a minute in the morning. Each asks the issuer three times at most. Nothing
 * tells people apart before they have signed in, because the ingress hides their addresses.
 */
export const LOGIN_LIMIT: BucketLimit = { ratePerSecond: 2, burst: 60 };

/** Whether there is room for one more. */
export function createLoginLimit(clock: Pick<Clock, "monotonic">, limit = LOGIN_LIMIT): () => boolean {
  let bucket: TokenBucket | undefined;
  return () => {
    const taken = takeFrom(bucket, limit, 1, clock.monotonic());
    bucket = taken.bucket;
    return taken.granted === 1;
  };
}

/** A token bucket: refilled at a rate, up to a burst. `at` is ms by any clock that is used consistently. */
export interface TokenBucket {
  tokens: number;
  at: number;
}

export interface BucketLimit {
  ratePerSecond: number;
  /** The most tokens that accumulate; a bucket that was never used is full. */
  burst: number;
}

export interface TakenTokens {
  bucket: TokenBucket;
  granted: number;
  /** ms until the tokens that were not granted are there, or the bucket is full; 0 where all were granted. */
  waitMs: number;
}

/** Tokens in the bucket now. It may hold less than none: what a request turned out to cost is charged afterwards. */
export function refill(before: TokenBucket | undefined, { ratePerSecond, burst }: BucketLimit, now: number): TokenBucket {
  if (!before) return { tokens: burst, at: now };
  return { tokens: Math.min(burst, before.tokens + (Math.max(0, now - before.at) * ratePerSecond) / 1_000), at: now };
}

/** Takes up to `wanted` whole tokens. app-rates.lua does the same by Redis's clock. Pure. */
export function takeFrom(before: TokenBucket | undefined, limit: BucketLimit, wanted: number, now: number): TakenTokens {
  const bucket = refill(before, limit, now);
  const granted = Math.max(0, Math.min(wanted, Math.floor(bucket.tokens)));
  const left = { tokens: bucket.tokens - granted, at: now };
  const missing = Math.min(wanted - granted, limit.burst);
  const waitMs = missing > 0 ? Math.max(1, Math.ceil(((missing - left.tokens) * 1_000) / limit.ratePerSecond)) : 0;
  return { bucket: left, granted, waitMs };
}

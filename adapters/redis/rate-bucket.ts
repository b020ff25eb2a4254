import { CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";

export type ByClass<T> = Readonly<Record<NotificationClass, T>>;

/** RateLimiter that gather and are taken. */
export interface Bucket {
  tokens: number;
  /** When it held so many; ms of whichever clock it goes by. */
  at: number;
}

export interface BucketShape {
  tokensPerMs: number;
  /** What gathers at most while nobody sends. */
  capacity: number;
  /** What a class must leave behind for those above it. */
  leaves: ByClass<number>;
  /** An untouched bucket is full again after so many ms. */
  fullAfterMs: number;
}

/** What gathers for all classes: pods ask 10 to 40 times a second, and what gathers between two questions should not be lost. */
const BURST_MS = 100;
/**
 * What marketing, and transactional, must leave, as time of the whole rate. While they take all they are given, so much is there for the class
 * above in its first moment; after that it is served first, because its tokens come sooner.
 */
const LEAVES_MS: ByClass<number> = { critical: 0, transactional: 100, marketing: 200 };
/** Beside whole tokens: (1 + 0.4) - 0.4 is less than 1 to a computer, and marketing would be granted nothing by a full bucket, for ever. */
const ROUNDING = 1e-6;

/** In any second at most 1.3 times the rate, or one more than 1.2 times where that is more; over longer times the rate. */
export function bucketShape(ratePerSecond: number): BucketShape {
  const tokensPerMs = ratePerSecond / 1_000;
  const leaves = { critical: 0, transactional: LEAVES_MS.transactional * tokensPerMs, marketing: LEAVES_MS.marketing * tokensPerMs };
  const capacity = Math.max(1, BURST_MS * tokensPerMs) + leaves.marketing + ROUNDING;
  return { tokensPerMs, capacity, leaves, fullAfterMs: Math.ceil(capacity / tokensPerMs) };
}

export interface Taken {
  bucket: Bucket;
  granted: ByClass<number>;
  /** ms until the first of those that were not granted could be; 0 where all were. */
  waitMs: number;
}

/** Takes what there is, the highest class first; whole tokens only. adapters/redis/rate-limiter.lua does the same by Redis's clock. Pure. */
export function takeTokens(before: Bucket | undefined, shape: BucketShape, wanted: ByClass<number>, now: number): Taken {
  const gathered = before ? before.tokens + Math.max(0, now - before.at) * shape.tokensPerMs : shape.capacity;
  let tokens = Math.min(shape.capacity, gathered);
  let waitMs = 0;
  const granted = { critical: 0, transactional: 0, marketing: 0 };
  for (const notificationClass of CLASSES) {
    const left = shape.leaves[notificationClass];
    const taken = Math.max(0, Math.min(wanted[notificationClass], Math.floor(tokens - left)));
    tokens -= taken;
    granted[notificationClass] = taken;
    if (taken < wanted[notificationClass] && waitMs === 0) waitMs = Math.ceil((1 + left - tokens) / shape.tokensPerMs);
  }
  return { bucket: { tokens, at: now }, granted, waitMs };
}

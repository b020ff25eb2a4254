import { CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";

export type ByClass<T> = Readonly<Record<NotificationClass, T>>;

/** The state of a token bucket. */
export interface Bucket {
  tokens: number;
  /** When it held this many tokens; ms, by any clock that the caller uses consistently. */
  at: number;
}

export interface BucketShape {
  tokensPerMs: number;
  /** The most tokens that accumulate while none are granted. */
  capacity: number;
  /** Tokens that a class must leave for the classes above it. */
  leaves: ByClass<number>;
  /** An empty bucket without traffic is full after this many ms. */
  fullAfterMs: number;
}

/** Capacity for all classes, as time of the rate: pods ask 10 to 40 times a second, and tokens that accumulate between two requests must not be lost. */
const BURST_MS = 100;
/**
 * What marketing and transactional must leave, as time of the rate. Even while they take every token they can, this many are available at once
 * for the class above; after that the higher class is served first, because it reaches its tokens sooner.
 */
const LEAVES_MS: ByClass<number> = { critical: 0, transactional: 100, marketing: 200 };
/** Added for floating-point error: (1 + 0.4) - 0.4 is less than 1, and a full bucket would never grant marketing a token. */
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
  /** ms until the next token could be granted; 0 where all were. */
  waitMs: number;
}

/** Takes the available tokens, the highest class first; whole tokens only. rate-limiter.lua does the same by Redis's clock. Pure. */
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

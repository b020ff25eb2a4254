/** While the process is busy, so many tasks are prepared at once: at 800 a second a task that has the next turn is sent about 20 ms later. */
export const PREPARING_MIN = 16;
/** Between two adjustments of a limit, in ms: several turns of a busy event loop. */
export const ADJUST_EVERY_MS = 100;
/** Share of the time in which the event loop works: above, more tasks at once would only wait for each other; below the second, for what they ask. */
const BUSY = 0.75;
const IDLE = 0.5;

export interface PreparingLimit {
  /** Tasks that may be prepared at once now. */
  now(): number;
  /** A task waits because so many are prepared. */
  reached(): void;
}

export interface PreparingParts {
  /** More is never of use. */
  max: number;
  /** Share of the time since the last call in which the event loop worked, 0 to 1. */
  utilization: () => number;
  clock: { monotonic(): number };
}

/**
 * How many tasks are prepared (recipient, opt-outs, claim) at once. They share the process, so that each one makes the others slower: while the event loop is
 * busy, the limit is halved, down to PREPARING_MIN. Where preferences, Redis or the store take long to answer, the event loop idles, and it is doubled.
 */
export function createPreparingLimit({ max, utilization, clock }: PreparingParts): PreparingLimit {
  const min = Math.min(PREPARING_MIN, max);
  let limit = min;
  let adjustedAt = clock.monotonic();
  let isReached = false;
  return {
    reached() {
      isReached = true;
    },
    now() {
      if (clock.monotonic() - adjustedAt >= ADJUST_EVERY_MS) {
        adjustedAt = clock.monotonic();
        const busy = utilization();
        if (busy >= BUSY) limit = Math.max(min, Math.floor(limit / 2));
        else if (busy <= IDLE && isReached) limit = Math.min(max, limit * 2);
        isReached = false;
      }
      return limit;
    },
  };
}

import type { Clock } from "../../core/ports/clock.ts";
import { BatchFullError } from "../../runtime/batch.ts";

/** After a failure Redis is not used for this long, in ms: each command would cost a command's deadline. */
export const REDIS_PAUSE_MS = 1_000;

/** Does work in Redis. Undefined where it fails, and without trying for REDIS_PAUSE_MS after that. */
export type UseRedis = <T>(work: () => Promise<T>) => Promise<T | undefined>;

export function createUseRedis(clock: Pick<Clock, "monotonic">): UseRedis {
  let pausedUntil = Number.NEGATIVE_INFINITY;
  return async (work) => {
    if (clock.monotonic() < pausedUntil) return undefined;
    try {
      return await work();
    } catch (error) {
      // Where the queue here is full, or a caller's share of it, Redis is there for the others.
      if (!(error instanceof BatchFullError)) pausedUntil = clock.monotonic() + REDIS_PAUSE_MS;
      return undefined;
    }
  };
}

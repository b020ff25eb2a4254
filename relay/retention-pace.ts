import type { Clock } from "../core/ports/clock.ts";

/** What one call should take, in ms: a store that writes one transaction at a time is held no longer than by an insert of many notifications. */
const CALL_MS = 10;
/** Of one call. The first is small, because nothing is known of the store yet. */
const LIMIT_MIN = 5;
const LIMIT_FIRST = 20;
const LIMIT_MAX = 1_000;
/** Longest pause after one call, in ms: a store that stood still for a minute is not left alone for an hour. */
const PAUSE_MS_MAX = 60_000;

export interface Work {
  removed: number;
  /** As PurgeCounts has it. */
  workMs?: number | undefined;
}

/** Keeps work within a share of the time, as measured: a store that is busy takes longer for each call, and is asked for less. */
export interface Pace {
  /** Of the next call. */
  limit(): number;
  /** Runs the work, and then waits until it was within the budget. */
  run<T extends Work>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** @param budgetMs of work in each second */
export function createPace(budgetMs: number, clock: Pick<Clock, "monotonic" | "sleep">): Pace {
  let limit = LIMIT_FIRST;
  const pausePerMs = 1_000 / budgetMs - 1;
  return {
    limit: () => limit,
    async run(work, signal) {
      const began = clock.monotonic();
      const result = await work();
      const tookMs = result.workMs ?? clock.monotonic() - began;
      // A call that found nothing says nothing; at most twice as many at a time, because the next ones may be larger.
      if (result.removed > 0) {
        const fitting = Math.floor((result.removed * CALL_MS) / Math.max(tookMs, 0.1));
        limit = Math.max(LIMIT_MIN, Math.min(LIMIT_MAX, 2 * limit, fitting));
      }
      await clock.sleep(Math.min(PAUSE_MS_MAX, tookMs * pausePerMs), signal);
      return result;
    },
  };
}

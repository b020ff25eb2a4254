import type { Clock } from "../core/ports/clock.ts";

/** Ends a wait after `limitMs` or when `signal` aborts, whichever comes first. */
export interface Deadline {
  limitMs?: number;
  /** Measures `limitMs`; default: a timer of this process. */
  clock?: Clock;
  signal?: AbortSignal | undefined;
}

export class DeadlineError extends Error {
  /** As AbortSignal.timeout names it. */
  override name = "TimeoutError";
}

const LATE = Symbol("late");

/**
 * Waits for `work` until the deadline. After it the result is what `late` returns, or what it throws (default: a
 * DeadlineError). The work itself continues, and its result is dropped.
 */
export async function withDeadline<T, Late = never>(
  work: Promise<T>,
  deadline: Deadline,
  late: () => Late = () => {
    throw new DeadlineError(deadline.limitMs === undefined ? "the deadline passed" : `not within ${deadline.limitMs} ms`);
  },
): Promise<T | Late> {
  const { limitMs, clock, signal } = deadline;
  const { promise: passed, resolve } = Promise.withResolvers<typeof LATE>();
  const pass = () => resolve(LATE);
  const stopTimer = limitMs === undefined ? undefined : startTimer(limitMs, clock, pass);
  signal?.addEventListener("abort", pass, { once: true });
  if (signal?.aborted) pass();
  try {
    const first = await Promise.race([work, passed]);
    return first === LATE ? late() : first;
  } finally {
    stopTimer?.();
    signal?.removeEventListener("abort", pass);
  }
}

/** Returns what stops it. */
function startTimer(limitMs: number, clock: Clock | undefined, pass: () => void): () => void {
  if (clock === undefined) {
    const timer = setTimeout(pass, limitMs);
    return () => clearTimeout(timer);
  }
  const stopped = new AbortController();
  void clock.sleep(limitMs, stopped.signal).then(pass);
  return () => stopped.abort();
}

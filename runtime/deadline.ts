import type { Clock } from "../core/ports/clock.ts";
import { systemClock } from "./clock.ts";

/** Ends a wait after `limitMs` or when `signal` aborts, whichever comes first. */
export interface Deadline {
  limitMs?: number;
  /** Measures `limitMs`; default: a timer of this process. */
  clock?: Pick<Clock, "after">;
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
  const { limitMs, clock = systemClock, signal } = deadline;
  const { promise: passed, resolve } = Promise.withResolvers<typeof LATE>();
  const pass = () => resolve(LATE);
  const stopTimer = limitMs === undefined ? undefined : clock.after(limitMs, pass);
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

/**
 * A signal that aborts after `limitMs` as AbortSignal.timeout does, and whose timer ends with the block that uses it: what ends in time leaves nothing
 * behind.
 */
export function limitedSignal(limitMs: number, clock: Pick<Clock, "after"> = systemClock): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = clock.after(limitMs, () => controller.abort(new DOMException("the deadline passed", "TimeoutError")));
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

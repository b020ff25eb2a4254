import type { Clock } from "../../core/ports/clock.ts";

/** A clock that advances only when a test calls advance(). */
export interface FakeClock extends Clock {
  /** Resolves the sleeps and runs the timers that end until then, in order. */
  advance(ms: number): void;
}

/** @param now ms since the epoch at the start; the monotonic clock starts at another value, as real ones do */
export function createFakeClock(now = Date.UTC(2026, 0, 5, 12)): FakeClock {
  let elapsed = 0;
  let sleepers: { until: number; wake: () => void }[] = [];
  return {
    now: () => now + elapsed,
    monotonic: () => 1_000 + elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted) return resolve();
        const sleeper = { until: elapsed + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((s) => s !== sleeper);
          resolve();
        });
      }),
    after(ms, run) {
      const sleeper = { until: elapsed + ms, wake: run };
      sleepers.push(sleeper);
      return () => {
        sleepers = sleepers.filter((s) => s !== sleeper);
      };
    },
    // A turn of the event loop takes no time.
    nextTurn: (run) => void setImmediate(run),
    advance(ms) {
      elapsed += ms;
      const due = sleepers.filter((s) => s.until <= elapsed).sort((a, b) => a.until - b.until);
      sleepers = sleepers.filter((s) => s.until > elapsed);
      for (const { wake } of due) wake();
    },
  };
}

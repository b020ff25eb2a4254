import type { Report } from "../adapters/nats/report.ts";

/** A pod is gone that has not reported for this long: three reports. */
export const REPORT_LIFE_MS = 6_000;
/** Calls of this window show whether the provider is failing. */
export const CALLS_WINDOW_MS = 15_000;
/** Two reports of each pod. An outage shows here first, while the larger window still holds the successes before it. */
export const NEWEST_WINDOW_MS = 4_000;
/** Of one channel: what 1,000 pods report within CALLS_WINDOW_MS. */
const REPORTS_MAX = 8_000;

export interface Calls {
  called: number;
  failed: number;
}

/** The latest reports of one channel's pods. `now` is by the monotonic clock. */
export interface Reports {
  add(report: Report, now: number): void;
  parked(now: number): number;
  /** Deliveries that wait in the store because no provider may be called. */
  waiting(now: number): number;
  /** Within the last `withinMs`, at most CALLS_WINDOW_MS. */
  calls(now: number, withinMs: number): Calls;
}

export function createReports(): Reports {
  const workers = new Map<string, { parked: number; waiting: number; at: number }>();
  let calls: (Calls & { at: number })[] = [];
  const forget = (now: number) => {
    for (const [worker, { at }] of workers) if (now - at > REPORT_LIFE_MS) workers.delete(worker);
    calls = calls.filter(({ at }) => now - at <= CALLS_WINDOW_MS).slice(-REPORTS_MAX);
  };
  return {
    add({ worker, parked, waiting = 0, called, failed }, now) {
      if (workers.size >= REPORTS_MAX || calls.length >= 2 * REPORTS_MAX) forget(now);
      if (workers.size >= REPORTS_MAX && !workers.has(worker)) return;
      workers.set(worker, { parked, waiting, at: now });
      if (called > 0) calls.push({ called, failed, at: now });
    },
    parked(now) {
      forget(now);
      return [...workers.values()].reduce((sum, { parked }) => sum + parked, 0);
    },
    waiting(now) {
      forget(now);
      return [...workers.values()].reduce((sum, { waiting }) => sum + waiting, 0);
    },
    calls: (now, withinMs) =>
      calls
        .filter(({ at }) => now - at <= withinMs)
        .reduce((sum, { called, failed }) => ({ called: sum.called + called, failed: sum.failed + failed }), { called: 0, failed: 0 }),
  };
}

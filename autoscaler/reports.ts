import type { Report } from "../adapters/nats/report.ts";

/** A pod that has not reported for so long, three reports, is gone. */
export const REPORT_LIFE_MS = 6_000;
/** Calls of so long tell whether the provider is well. */
export const CALLS_MS = 15_000;
/** The newest of them, two reports of each pod: an outage shows here first, while calls that went well still fill the window. */
export const NEWEST_CALLS_MS = 4_000;
/** Of one channel: 1,000 pods' reports of CALLS_MS. */
const REPORTS_MAX = 8_000;

export interface Calls {
  called: number;
  failed: number;
}

/** What the pods of one channel told lately. */
export interface Reports {
  heard(report: Report, now: number): void;
  parked(now: number): number;
  /** Within the last `withinMs`, at most CALLS_MS. */
  calls(now: number, withinMs: number): Calls;
}

export function createReports(): Reports {
  const workers = new Map<string, { parked: number; at: number }>();
  let calls: (Calls & { at: number })[] = [];
  const forget = (now: number) => {
    for (const [worker, { at }] of workers) if (now - at > REPORT_LIFE_MS) workers.delete(worker);
    calls = calls.filter(({ at }) => now - at <= CALLS_MS).slice(-REPORTS_MAX);
  };
  return {
    heard({ worker, parked, called, failed }, now) {
      if (workers.size >= REPORTS_MAX || calls.length >= 2 * REPORTS_MAX) forget(now);
      if (workers.size >= REPORTS_MAX && !workers.has(worker)) return;
      workers.set(worker, { parked, at: now });
      if (called > 0) calls.push({ called, failed, at: now });
    },
    parked(now) {
      forget(now);
      return [...workers.values()].reduce((sum, { parked }) => sum + parked, 0);
    },
    calls: (now, withinMs) =>
      calls
        .filter(({ at }) => now - at <= withinMs)
        .reduce((sum, { called, failed }) => ({ called: sum.called + called, failed: sum.failed + failed }), { called: 0, failed: 0 }),
  };
}

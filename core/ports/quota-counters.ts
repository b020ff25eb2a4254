import type { BucketLimit } from "../quotas/bucket.ts";

/** The rate limits of apps, all gateways together. While the shared counters are away each gateway keeps to its own share. */
export interface AppRates {
  /** Takes up to `wanted` tokens. Never rejects. */
  take(app: string, limit: BucketLimit, wanted: number): Promise<{ granted: number; waitMs: number }>;
  /** Takes tokens also where there are none, which later calls make up for; a negative number gives back. Does not wait for the result. */
  charge(app: string, limit: BucketLimit, tokens: number): void;
}

/** What one notification adds to the counters of an app's day. */
export interface DayCount {
  app: string;
  /** UTC, as 2026-01-31. */
  day: string;
  entries: readonly DayEntry[];
}
export interface DayEntry {
  /** Of the counter, such as sms/critical. */
  name: string;
  count: number;
  max: number;
}

/** Counters that begin anew each day (UTC). While the shared counters are away each gateway keeps to its own share of what was left. */
export interface DayCounters {
  /** Adds all counts, or none where one would exceed its maximum: then returns that entry's name. Never rejects. */
  add(count: DayCount): Promise<string | undefined>;
  /** Takes back what add() added. Does not wait for the result. */
  giveBack(count: DayCount): void;
}

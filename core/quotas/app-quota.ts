import type { AppLimits } from "../apps/limits.ts";
import type { Channel, NotificationClass } from "../delivery/channel.ts";
import { DAY_MS } from "../delivery/lifetime.ts";
import type { BucketLimit } from "./bucket.ts";

/** What applies to an app whose record does not say otherwise. */
export interface QuotaDefaults extends BucketLimit {
  openMax: number;
  scheduledMax: number;
  /** SMS per class and day (UTC); each costs money, and fraud with premium numbers is made of them. */
  smsDailyMax: number;
}

/** An app with a rate of its own and no burst may send as many seconds of it at once as the default allows. */
export function rateOf({ ratePerSecond, burst }: AppLimits, defaults: QuotaDefaults): BucketLimit {
  const rate = ratePerSecond ?? defaults.ratePerSecond;
  return { ratePerSecond: rate, burst: burst ?? Math.max(1, Math.ceil((rate * defaults.burst) / defaults.ratePerSecond)) };
}

/** Undefined: no ceiling. */
export const dailyMaxOf = (
  { dailyMax }: AppLimits,
  defaults: QuotaDefaults,
  channel: Channel,
  notificationClass: NotificationClass,
): number | undefined => dailyMax?.[channel]?.[notificationClass] ?? (channel === "sms" ? defaults.smsDailyMax : undefined);

/** The day in UTC, as 2026-01-31. */
export const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10);

/** ms until the next day in UTC. */
export const untilNextDay = (now: number): number => DAY_MS - (now % DAY_MS);

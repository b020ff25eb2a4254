import { OVERRIDE_PROVIDERS, type OverrideProvider } from "../content/used-overrides.ts";
import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "../delivery/channel.ts";
import { isAllowance } from "../delivery/email-address.ts";
import { areDays, CONTENT_DAYS, METADATA_DAYS, type RetentionLimits } from "./retention.ts";

/** What one app may use. Each is optional; where one is absent, the installation's default applies. */
export interface AppLimits extends RetentionLimits {
  /** Notifications accepted per second, on average. */
  ratePerSecond?: number | undefined;
  /** Notifications accepted at once after a quiet time. */
  burst?: number | undefined;
  /** Classes it may send in. */
  classes?: NotificationClass[] | undefined;
  /** Notifications accepted and not ended, scheduled ones not counted. */
  openMax?: number | undefined;
  /** Notifications accepted whose time to be sent has not come. */
  scheduledMax?: number | undefined;
  /** Deliveries accepted per day (UTC). */
  dailyMax?: DailyMax | undefined;
  /** Beginnings of the phone numbers (E.164) that it may send SMS to. An empty list allows none. */
  smsPrefixes?: string[] | undefined;
  /** Names of the senders that its SMS may come from, besides those that need no name. An empty list allows none. */
  smsSenders?: string[] | undefined;
  /** Addresses, or domains as @example.org, that its mails may name in `from`. An empty list allows none, so that they are from the account's sender. */
  emailFrom?: string[] | undefined;
  /** Providers whose requests its contents may override; absent: none. */
  overrides?: OverrideProvider[] | undefined;
  /** Its share of dispatch beside other apps of the same class: one of weight 2 gets twice as much as one of weight 1. */
  weight?: number | undefined;
}
export type DailyMax = Partial<Record<Channel, Partial<Record<NotificationClass, number>>>>;

/** The largest values that are accepted: beyond them a limit is a typing error. */
export const LIMITS_MAX = {
  ratePerSecond: 100_000,
  burst: 1_000_000,
  openMax: 100_000_000,
  scheduledMax: 100_000_000,
  dailyMax: 1_000_000_000,
  smsPrefixes: 500,
  smsSenders: 100,
  emailFrom: 100,
  weight: 100,
} as const;

/** "+" and the first digits of a number as E.164 writes it. */
export const SMS_PREFIX = /^\+[1-9]\d{0,14}$/;

/** A sender's name, as the contract has it too. */
export const SENDER_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** What is wrong with these limits, one sentence each that begins with the limit; empty: nothing. */
export function limitFaults(limits: AppLimits): string[] {
  const faults: string[] = [];
  const { ratePerSecond, classes, dailyMax, smsPrefixes, smsSenders, emailFrom, overrides } = limits;
  if (ratePerSecond !== undefined && !(ratePerSecond > 0 && ratePerSecond <= LIMITS_MAX.ratePerSecond))
    faults.push(`ratePerSecond: must be a number above 0 and at most ${LIMITS_MAX.ratePerSecond}`);
  for (const [name, min] of [
    ["burst", 1],
    ["openMax", 0],
    ["scheduledMax", 0],
    ["weight", 1],
  ] as const) {
    const value = limits[name];
    if (value !== undefined && !isCount(value, min, LIMITS_MAX[name]))
      faults.push(`${name}: must be an integer from ${min} to ${LIMITS_MAX[name]}`);
  }
  if (classes && (classes.length === 0 || classes.some((c) => !CLASSES.includes(c))))
    faults.push(`classes: must name at least one of ${CLASSES.join(", ")}`);
  if (smsPrefixes && (smsPrefixes.length > LIMITS_MAX.smsPrefixes || smsPrefixes.some((p) => !SMS_PREFIX.test(p))))
    faults.push(`smsPrefixes: must be at most ${LIMITS_MAX.smsPrefixes} beginnings of phone numbers, such as +49 or +1415`);
  if (smsSenders && (smsSenders.length > LIMITS_MAX.smsSenders || smsSenders.some((name) => !SENDER_NAME.test(name))))
    faults.push(`smsSenders: must be at most ${LIMITS_MAX.smsSenders} names of senders, each 1 to 64 of a-z, 0-9, ., _ and -`);
  if (emailFrom && (emailFrom.length > LIMITS_MAX.emailFrom || !emailFrom.every(isAllowance)))
    faults.push(`emailFrom: must be at most ${LIMITS_MAX.emailFrom} addresses, or domains as @example.org`);
  if (overrides?.some((provider) => !OVERRIDE_PROVIDERS.includes(provider)))
    faults.push(`overrides: must name only ${OVERRIDE_PROVIDERS.join(", ")}`);
  if (dailyMax && !isDailyMax(dailyMax))
    faults.push(`dailyMax: must be integers from 0 to ${LIMITS_MAX.dailyMax} by channel (${CHANNELS.join(", ")}) and class`);
  for (const [name, bounds] of [["contentDays", CONTENT_DAYS] as const, ["metadataDays", METADATA_DAYS] as const]) {
    const days = limits[name];
    if (days && !areDays(days, bounds)) faults.push(`${name}: must be days from ${bounds.min} to ${bounds.max} by class`);
  }
  return faults;
}

const isCount = (value: number, min: number, max: number) => Number.isSafeInteger(value) && value >= min && value <= max;

const isDailyMax = (dailyMax: DailyMax) =>
  Object.entries(dailyMax).every(
    ([channel, byClass]) =>
      CHANNELS.some((c) => c === channel) &&
      Object.entries(byClass).every(([name, max]) => CLASSES.some((c) => c === name) && isCount(max, 0, LIMITS_MAX.dailyMax)),
  );

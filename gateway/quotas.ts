import type { AppRecord } from "../core/apps/app.ts";
import { type Channel, CLASSES, type NotificationClass } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { AppRates, DayCount, DayCounters } from "../core/ports/quota-counters.ts";
import { dailyMaxOf, dayOf, type QuotaDefaults, rateOf, untilNextDay } from "../core/quotas/app-quota.ts";
import { type CallError, type CallReason, callError } from "../runtime/call-error.ts";
import { createAppBudget } from "./app-budget.ts";
import type { AppOpen, OpenKind } from "./app-open.ts";
import { MEASURE_EVERY_MS } from "./load.ts";

/** What is known of a notification once it was checked. */
export interface Wanted {
  notificationClass: NotificationClass;
  scheduled: boolean;
}

/** What one app may have accepted: its rate, what it has open and scheduled, and its deliveries of the day. */
export interface Quotas {
  /**
   * Before any work: takes a unit of the rate for each item, the more urgent classes first, then those whose class is none. Returns for each item
   * undefined, or why it is rejected. What breaks a rule uses up its unit too, because it is checked and its key looked for.
   */
  takeRate(app: AppRecord, classes: readonly (NotificationClass | undefined)[]): Promise<(CallError | undefined)[]>;
  /** For what keeps the rules: reserves room among what the app has open or scheduled, the more urgent classes first. Returns as takeRate(). */
  reserve(app: AppRecord, wanted: readonly Wanted[]): Promise<(CallError | undefined)[]>;
  /** Once its deliveries are known: counts them for the day that they are sent on, or says which ceiling they would exceed. */
  countDay(app: AppRecord, notificationClass: NotificationClass, channels: readonly Channel[], sendAt: number): Promise<DayResult>;
  /** What a notification cost beyond the one unit that takeRate() took. */
  charge(app: AppRecord, cost: number): void;
  /** Its key had been stored before: it uses up nothing, unless the app repeats more than REPEATS allows. */
  repeated(app: AppRecord, scheduled: boolean, counted: DayCount | undefined, cost: number): void;
  /** It was not stored, and uses up no room. It keeps its part of the rate, because work was done for it. */
  notStored(app: AppRecord, scheduled: boolean, counted: DayCount | undefined): void;
}
export type DayResult = { kind: "counted"; counted: DayCount | undefined } | { kind: "exceeded"; error: CallError };

/**
 * Units of cost that repeated keys use without using up the rate, per app and gateway: every repetition of a normal app. Each costs the reads of a new
 * notification and the insert that finds its key, so that beyond this they count as new ones do.
 */
const REPEATS = { ratePerSecond: 100, burst: 200 };
/** RetryInfo of what is rejected because too much is scheduled: it becomes less as time passes. */
const SCHEDULED_WAIT_MS = 60_000;

export function createQuotas(deps: {
  rates: AppRates;
  days: DayCounters;
  open: AppOpen;
  defaults: QuotaDefaults;
  clock: Pick<Clock, "now" | "monotonic">;
}): Quotas {
  const { rates, days, open, defaults, clock } = deps;
  const mayRepeat = createAppBudget(REPEATS, clock);
  const kindOf = (scheduled: boolean): OpenKind => (scheduled ? "scheduled" : "open");
  const maxOf = ({ limits }: AppRecord, kind: OpenKind) =>
    kind === "open" ? (limits.openMax ?? defaults.openMax) : (limits.scheduledMax ?? defaults.scheduledMax);

  return {
    async takeRate(app, classes) {
      const errors = new Array<CallError | undefined>(classes.length).fill(undefined);
      if (classes.length === 0) return errors;
      const limit = rateOf(app.limits, defaults);
      const { granted, waitMs } = await rates.take(app.id, limit, classes.length);
      for (const i of byUrgency(classes).slice(granted)) errors[i] = rateError(app, limit.ratePerSecond, waitMs);
      return errors;
    },

    async reserve(app, wanted) {
      const errors = new Array<CallError | undefined>(wanted.length).fill(undefined);
      const sorted = byUrgency(wanted.map(({ notificationClass }) => notificationClass));
      for (const kind of ["open", "scheduled"] as const) {
        const ofKind = sorted.filter((i) => kindOf(wanted[i]!.scheduled) === kind);
        if (ofKind.length === 0) continue;
        const max = maxOf(app, kind);
        const fits = await open.reserve(app.id, kind, ofKind.length, max);
        for (const i of ofKind.slice(fits)) errors[i] = openError(app, kind, max);
      }
      return errors;
    },

    async countDay(app, notificationClass, channels, sendAt) {
      const now = clock.now();
      const at = Math.max(sendAt, now);
      const entries = [...new Set(channels)].flatMap((channel) => {
        const max = dailyMaxOf(app.limits, defaults, channel, notificationClass);
        return max === undefined
          ? []
          : [{ name: `${channel}/${notificationClass}`, count: channels.filter((c) => c === channel).length, max }];
      });
      if (entries.length === 0) return { kind: "counted", counted: undefined };
      const counted = { app: app.id, day: dayOf(at), entries };
      const full = await days.add(counted);
      if (full === undefined) return { kind: "counted", counted };
      const max = entries.find(({ name }) => name === full)?.max;
      const limit = `${max} deliveries of ${full} per day (UTC), reached for ${counted.day}`;
      return { kind: "exceeded", error: quotaError(app, "DAILY_LIMIT", limit, at - now + untilNextDay(at)) };
    },

    charge(app, cost) {
      if (cost > 1) rates.charge(app.id, rateOf(app.limits, defaults), cost - 1);
    },

    repeated(app, scheduled, counted, cost) {
      if (mayRepeat(app.id, cost)) rates.charge(app.id, rateOf(app.limits, defaults), -1);
      else this.charge(app, cost);
      this.notStored(app, scheduled, counted);
    },

    notStored(app, scheduled, counted) {
      open.giveBack(app.id, kindOf(scheduled), 1);
      if (counted) days.giveBack(counted);
    },
  };
}

/** The indexes, those of the more urgent classes first, else as they came. */
function byUrgency(classes: readonly (NotificationClass | undefined)[]): number[] {
  const ranks = classes.map((c) => (c === undefined ? CLASSES.length : CLASSES.indexOf(c)));
  return [...classes.keys()].sort((a, b) => ranks[a]! - ranks[b]!);
}

const rateError = (app: AppRecord, ratePerSecond: number, waitMs: number) =>
  quotaError(app, "RATE_LIMITED", `${ratePerSecond} notifications per second`, waitMs);

const openError = (app: AppRecord, kind: OpenKind, max: number) =>
  kind === "open"
    ? quotaError(app, "OPEN_LIMIT", `${max} open notifications`, MEASURE_EVERY_MS)
    : quotaError(app, "SCHEDULED_LIMIT", `${max} scheduled notifications`, SCHEDULED_WAIT_MS);

/** The answer to what is beyond a limit of an app, with RetryInfo and QuotaFailure. */
export const quotaError = ({ id }: AppRecord, reason: CallReason, limit: string, retryAfterMs: number): CallError => {
  const message = `this app is at its limit of ${limit}; nothing was stored`;
  return callError("RESOURCE_EXHAUSTED", reason, message, {
    retryAfterMs,
    quota: { subject: `app:${id}`, description: `limit: ${limit}` },
  });
};

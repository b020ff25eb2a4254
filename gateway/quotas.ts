import type { AppRecord } from "../core/apps/app.ts";
import { type Channel, CLASSES, type NotificationClass } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { AppRates, DayCount, DayCounters } from "../core/ports/quota-counters.ts";
import { dailyMaxOf, dayOf, type QuotaDefaults, rateOf, untilNextDay } from "../core/quotas/app-quota.ts";
import { type CallError, type CallReason, callError } from "../runtime/call-error.ts";
import type { AppOpen, OpenKind } from "./app-open.ts";
import { MEASURE_EVERY_MS } from "./load.ts";

/** What is known of a notification before anything is read for it. */
export interface Wanted {
  notificationClass: NotificationClass;
  scheduled: boolean;
  /** False: it breaks a rule, so that it will not be stored. It uses up the rate all the same, because its key is looked for. */
  valid: boolean;
}

/** What one app may have accepted: its rate, what it has open and scheduled, and its deliveries of the day. */
export interface Quotas {
  /** Before the work: for each notification undefined where it is admitted, else why not. The more urgent classes are admitted first. */
  admit(app: AppRecord, wanted: readonly Wanted[]): Promise<(CallError | undefined)[]>;
  /** Once its deliveries are known: counts them for the day, or says which ceiling they would exceed. */
  countDay(app: AppRecord, notificationClass: NotificationClass, channels: readonly Channel[]): Promise<DayResult>;
  /** What an admitted notification cost beyond the one unit that admit() took. */
  stored(app: AppRecord, cost: number): void;
  /** Its key had been stored before: it uses up nothing. */
  repeated(app: AppRecord, wanted: Wanted, counted: DayCount | undefined): void;
  /** An admitted notification was not stored. It keeps its part of the rate, because work was done for it. */
  notStored(app: AppRecord, wanted: Wanted, counted: DayCount | undefined): void;
}
export type DayResult = { kind: "counted"; counted: DayCount | undefined } | { kind: "exceeded"; error: CallError };

/** RetryInfo of what is rejected because too much is scheduled: it becomes less as time passes. */
const SCHEDULED_WAIT_MS = 60_000;

export function createQuotas(deps: {
  rates: AppRates;
  days: DayCounters;
  open: AppOpen;
  defaults: QuotaDefaults;
  clock: Pick<Clock, "now">;
}): Quotas {
  const { rates, days, open, defaults, clock } = deps;
  const kindOf = ({ scheduled }: Wanted): OpenKind => (scheduled ? "scheduled" : "open");
  const maxOf = ({ limits }: AppRecord, kind: OpenKind) =>
    kind === "open" ? (limits.openMax ?? defaults.openMax) : (limits.scheduledMax ?? defaults.scheduledMax);

  /** The indexes for which there is room, as they came; the others get an error. */
  async function fitting(app: AppRecord, kind: OpenKind, indexes: readonly number[], errors: (CallError | undefined)[]): Promise<number[]> {
    if (indexes.length === 0) return [];
    const max = maxOf(app, kind);
    const room = await open.room(app.id, kind, max);
    for (const i of indexes.slice(room)) errors[i] = openError(app, kind, max);
    const fits = indexes.slice(0, room);
    open.add(app.id, kind, fits.length);
    return fits;
  }

  return {
    async admit(app, wanted) {
      const errors = new Array<CallError | undefined>(wanted.length).fill(undefined);
      const byUrgency = CLASSES.flatMap((c) => wanted.flatMap((w, i) => (w.notificationClass === c ? [i] : [])));
      const ofKind = (kind: OpenKind) => byUrgency.filter((i) => wanted[i]!.valid && kindOf(wanted[i]!) === kind);
      const fits = [
        byUrgency.filter((i) => !wanted[i]!.valid),
        await fitting(app, "open", ofKind("open"), errors),
        await fitting(app, "scheduled", ofKind("scheduled"), errors),
      ].flat();
      if (fits.length === 0) return errors;
      const limit = rateOf(app.limits, defaults);
      const { granted, waitMs } = await rates.take(app.id, limit, fits.length);
      const isFitting = new Set(fits);
      for (const i of byUrgency.filter((index) => isFitting.has(index)).slice(granted)) {
        errors[i] = rateError(app, limit.ratePerSecond, waitMs);
        if (wanted[i]!.valid) open.add(app.id, kindOf(wanted[i]!), -1);
      }
      return errors;
    },

    async countDay(app, notificationClass, channels) {
      const now = clock.now();
      const entries = [...new Set(channels)].flatMap((channel) => {
        const max = dailyMaxOf(app.limits, defaults, channel, notificationClass);
        return max === undefined
          ? []
          : [{ name: `${channel}/${notificationClass}`, count: channels.filter((c) => c === channel).length, max }];
      });
      if (entries.length === 0) return { kind: "counted", counted: undefined };
      const counted = { app: app.id, day: dayOf(now), entries };
      const full = await days.add(counted);
      if (full === undefined) return { kind: "counted", counted };
      const max = entries.find(({ name }) => name === full)?.max;
      const limit = `${max} deliveries of ${full} per day (UTC)`;
      return { kind: "exceeded", error: quotaError(app, "DAILY_LIMIT", limit, untilNextDay(now)) };
    },

    stored(app, cost) {
      if (cost > 1) rates.charge(app.id, rateOf(app.limits, defaults), cost - 1);
    },

    repeated(app, wanted, counted) {
      rates.charge(app.id, rateOf(app.limits, defaults), -1);
      this.notStored(app, wanted, counted);
    },

    notStored(app, wanted, counted) {
      open.add(app.id, kindOf(wanted), -1);
      if (counted) days.giveBack(counted);
    },
  };
}

const rateError = (app: AppRecord, ratePerSecond: number, waitMs: number) =>
  quotaError(app, "RATE_LIMITED", `${ratePerSecond} notifications per second`, waitMs);

const openError = (app: AppRecord, kind: OpenKind, max: number) =>
  kind === "open"
    ? quotaError(app, "OPEN_LIMIT", `${max} open notifications`, MEASURE_EVERY_MS)
    : quotaError(app, "SCHEDULED_LIMIT", `${max} scheduled notifications`, SCHEDULED_WAIT_MS);

const quotaError = ({ id }: AppRecord, reason: CallReason, limit: string, retryAfterMs: number): CallError => {
  const message = `this app is at its limit of ${limit}; nothing was stored`;
  return callError("RESOURCE_EXHAUSTED", reason, message, {
    retryAfterMs,
    quota: { subject: `app:${id}`, description: `limit: ${limit}` },
  });
};

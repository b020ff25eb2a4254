import { type AppLimits, type DailyMax, limitFaults } from "../../core/apps/limits.ts";
import type { DaysByClass } from "../../core/apps/retention.ts";
import { OVERRIDE_PROVIDERS } from "../../core/content/used-overrides.ts";
import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { fail, type Invocation, text } from "../command.ts";

export const LIMIT_OPTIONS = {
  rate: { type: "string" },
  burst: { type: "string" },
  classes: { type: "string" },
  "open-max": { type: "string" },
  "scheduled-max": { type: "string" },
  "daily-max": { type: "string", multiple: true },
  "sms-prefixes": { type: "string" },
  "sms-senders": { type: "string" },
  "email-from": { type: "string" },
  overrides: { type: "string" },
  weight: { type: "string" },
  "content-days": { type: "string", multiple: true },
  "metadata-days": { type: "string", multiple: true },
} as const;

export const LIMIT_USAGE = [
  ...["[--rate PER_SECOND]", "[--burst N]", "[--classes critical,transactional,marketing]", "[--open-max N]", "[--scheduled-max N]"],
  ...[
    "[--daily-max CHANNEL/CLASS=N]...",
    "[--sms-prefixes +49,+1|none]",
    "[--sms-senders orders,otp|none]",
    "[--email-from orders@shop.example,@shop.example|none]",
    "[--overrides apns,fcm|none]",
    "[--weight N]",
    "[--content-days CLASS=N]...",
    "[--metadata-days CLASS=N]...; each may be default",
  ],
].join(" ");

/** The value that removes the app's own limit. */
const DEFAULT = "default";

type Values = Invocation["values"];

/** The limits that are named; undefined where one is "default". */
export function readLimits(values: Values): AppLimits {
  const limits: AppLimits = {
    ...number(values, "rate", "ratePerSecond"),
    ...number(values, "burst", "burst"),
    ...number(values, "open-max", "openMax"),
    ...number(values, "scheduled-max", "scheduledMax"),
    ...number(values, "weight", "weight"),
    ...readList(
      values,
      "classes",
      "classes",
      (name) => CLASSES.find((c) => c === name) ?? fail(`--classes may contain ${CLASSES.join(", ")}`),
    ),
    ...readList(values, "sms-prefixes", "smsPrefixes", (prefix) => prefix),
    ...readList(values, "sms-senders", "smsSenders", (name) => name),
    ...readList(values, "email-from", "emailFrom", (from) => from),
    ...readList(
      values,
      "overrides",
      "overrides",
      (name) => OVERRIDE_PROVIDERS.find((p) => p === name) ?? fail(`--overrides may contain ${OVERRIDE_PROVIDERS.join(", ")}`),
    ),
    ...readDailyMax(values["daily-max"]),
    ...readDaysByClass(values, "content-days", "contentDays"),
    ...readDaysByClass(values, "metadata-days", "metadataDays"),
  };
  if (Object.keys(limits).length === 0) fail("name at least one limit");
  const [fault] = limitFaults({
    ...limits,
    dailyMax: undefined,
    contentDays: defined(limits.contentDays),
    metadataDays: defined(limits.metadataDays),
  });
  if (fault !== undefined) fail(fault);
  return limits;
}

function number(values: Values, option: string, limit: keyof AppLimits): AppLimits {
  const given = text(values[option]);
  if (given === undefined) return {};
  if (given === DEFAULT) return { [limit]: undefined };
  return /^\d{1,12}(\.\d{1,6})?$/.test(given) ? { [limit]: Number(given) } : fail(`--${option} must be a number or "${DEFAULT}"`);
}

/** "none" is the empty list. */
function readList<T>(values: Values, option: string, limit: keyof AppLimits, parse: (item: string) => T): AppLimits {
  const given = text(values[option]);
  if (given === undefined) return {};
  if (given === DEFAULT) return { [limit]: undefined };
  return { [limit]: given === "none" ? [] : [...new Set(given.split(",").map((item) => parse(item.trim())))] };
}

function readDailyMax(given: Values[string]): AppLimits {
  if (!Array.isArray(given)) return {};
  if (given.includes(DEFAULT)) return given.length === 1 ? { dailyMax: undefined } : fail(`--daily-max ${DEFAULT} stands alone`);
  const dailyMax: DailyMax = {};
  for (const entry of given) {
    const [, channelName, className, max] = /^(\w+)\/(\w+)=(\d{1,12}|default)$/.exec(String(entry)) ?? [];
    const channel = CHANNELS.find((c) => c === channelName);
    const named = CLASSES.find((c) => c === className);
    if (!channel || !named)
      return fail(`--daily-max must be like sms/marketing=1000; channels: ${CHANNELS.join(", ")}; classes: ${CLASSES.join(", ")}`);
    dailyMax[channel] = { ...dailyMax[channel], [named]: max === DEFAULT ? undefined : Number(max) };
  }
  return { dailyMax };
}

function readDaysByClass(values: Values, option: string, limit: "contentDays" | "metadataDays"): AppLimits {
  const given = values[option];
  if (!Array.isArray(given)) return {};
  if (given.includes(DEFAULT)) return given.length === 1 ? { [limit]: undefined } : fail(`--${option} ${DEFAULT} stands alone`);
  const entries = given.map((entry) => {
    const [, name, days] = /^(\w+)=(\d{1,5}|default)$/.exec(String(entry)) ?? [];
    const named = CLASSES.find((c) => c === name);
    return named
      ? [named, days === DEFAULT ? undefined : Number(days)]
      : fail(`--${option} must be like marketing=7; classes: ${CLASSES.join(", ")}`);
  });
  return { [limit]: Object.fromEntries(entries) };
}

/** The limits by class, without the classes whose own limit is removed. */
const defined = (days: DaysByClass | undefined): DaysByClass | undefined =>
  days && Object.fromEntries(Object.entries(days).filter(([, value]) => value !== undefined));

import type { ParseArgsOptionsConfig } from "node:util";
import { CONTENT_DAYS, METADATA_DAYS } from "../../core/apps/retention.ts";
import { CHANNELS, type Channel, isPush, type PushChannel } from "../../core/delivery/channel.ts";
import { DAY_MS } from "../../core/delivery/lifetime.ts";
import type { Demand } from "../../operations/capacity/capacity.ts";
import { duration, fail, text } from "../command.ts";
import { CONTENT_RETENTION, METADATA_RETENTION, OUTAGE } from "../duration-bounds.ts";

export const CAPACITY_USAGE = `--push N --email N --sms N --peak FACTOR [--push-split apns=45,fcm=50,webpush=5] [--rate-limit sms=100 …]
       [--retention 400d] [--content-retention 30d] [--outage 1h] [--opt-outs 1M] [--content push=200,sms=160,email=20K] [--nodes] [--explain] [--values | --json]`;

export const CAPACITY_OPTIONS: ParseArgsOptionsConfig = {
  push: { type: "string", default: "0" },
  email: { type: "string", default: "0" },
  sms: { type: "string", default: "0" },
  peak: { type: "string", default: "10" },
  "push-split": { type: "string", default: "apns=45,fcm=50,webpush=5" },
  "rate-limit": { type: "string", multiple: true, default: [] },
  retention: { type: "string", default: `${METADATA_DAYS.default}d` },
  "content-retention": { type: "string", default: `${CONTENT_DAYS.default}d` },
  outage: { type: "string", default: "1h" },
  "opt-outs": { type: "string", default: "1M" },
  content: { type: "string", default: "push=200,sms=160,email=20K" },
  nodes: { type: "boolean" },
  explain: { type: "boolean" },
  values: { type: "boolean" },
  json: { type: "boolean" },
};

type Given = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

const SUFFIXES: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9 };
/** More than the whole world's mail per day; a higher number is a mistake. */
const PER_DAY_MAX = 1e12;
const PEAK_MAX = 1_000;
const MS_PER_HOUR = 3_600_000;

/** "10M", "1.5K" or "300". */
export function parseNumber(given: string, name: string, max: number, min = 0): number {
  const [, digits = "", suffix = ""] = /^(\d{1,15}(?:\.\d{1,6})?)([KMG]?)$/i.exec(given) ?? [];
  const n = digits === "" ? Number.NaN : Number(digits) * (SUFFIXES[suffix.toUpperCase()] ?? Number.NaN);
  return n >= min && n <= max ? n : fail(`${name} must be a number from ${min} to ${shown(max)}, optionally followed by K, M or G: 10M`);
}

const shown = (n: number) => (n >= 1e9 ? `${n / 1e9}G` : String(n));

/** "a=1,b=2", each of `names` at most once. */
function parsePairs<T extends string>(given: string, option: string, names: readonly T[], max: number): Partial<Record<T, number>> {
  const found: Partial<Record<T, number>> = {};
  for (const pair of given.split(",")) {
    const [, of = "", value = ""] = /^\s*([a-z]+)=(\S+)\s*$/.exec(pair) ?? [];
    const name = names.find((n) => n === of) ?? fail(`${option} must be like ${names[0]}=1: one of ${names.join(", ")}, and a number`);
    if (found[name] !== undefined) fail(`${option} names ${name} twice`);
    found[name] = parseNumber(value, `${option} ${name}`, max);
  }
  return found;
}

/** Throws a UsageError that names the option and its rule. */
export function readDemand(values: Given): Demand {
  const of = (name: string) => text(values[name]) ?? "";
  const perDay = (name: string) => parseNumber(of(name), `--${name}`, PER_DAY_MAX);
  const [push, email, sms] = [perDay("push"), perDay("email"), perDay("sms")];
  if (push + email + sms === 0) fail("--push, --email or --sms is required, in notifications per day: --push 10M");
  const pushChannels: readonly PushChannel[] = CHANNELS.filter(isPush);
  const split = parsePairs(of("push-split"), "--push-split", pushChannels, 100);
  const shares = pushChannels.map((c) => split[c] ?? 0);
  if (Math.abs(shares.reduce((a, b) => a + b, 0) - 100) > 0.01) fail("--push-split must add up to 100: apns=45,fcm=50,webpush=5");
  const of100 = (channel: PushChannel) => (push * (split[channel] ?? 0)) / 100;
  const content = { push: 200, sms: 160, email: 20_000, ...parsePairs(of("content"), "--content", ["push", "sms", "email"], 1e6) };
  return {
    perDay: { apns: of100("apns"), fcm: of100("fcm"), webpush: of100("webpush"), sms, email },
    peakFactor: parseNumber(of("peak"), "--peak", PEAK_MAX, 1),
    rateLimits: rateLimits(values["rate-limit"]),
    contentBytes: content,
    metadataDays: duration(values.retention, "--retention", METADATA_RETENTION) / DAY_MS,
    contentDays: duration(values["content-retention"], "--content-retention", CONTENT_RETENTION) / DAY_MS,
    outageHours: duration(values.outage, "--outage", OUTAGE) / MS_PER_HOUR,
    optOuts: parseNumber(of("opt-outs"), "--opt-outs", PER_DAY_MAX),
  };
}

function rateLimits(given: Given[string]): Partial<Record<Channel, number>> {
  const limits: Partial<Record<Channel, number>> = {};
  for (const one of Array.isArray(given) ? given : [])
    for (const [channel, limit] of Object.entries(parsePairs(String(one), "--rate-limit", CHANNELS, 1e5)))
      limits[channel as Channel] = limit > 0 ? limit : fail(`--rate-limit ${channel} must be above 0`);
  return limits;
}

import type { Channel } from "../delivery/channel.ts";

/** When advertising may be sent in a country: the law's limits, not legal advice. Minutes after midnight, `untilMinute` not included. */
export interface SendingWindow {
  /** ISO 3166-1 alpha-2. */
  country: string;
  fromMinute: number;
  untilMinute: number;
  /** IANA; "recipient": that of the person, wherever they are. */
  timeZone: string | "recipient";
  /** What it is about. */
  channels: readonly Channel[];
  /** Who consented to this category in so many words may be sent advertising at any time; absent: nobody. */
  consentCategory?: string | undefined;
  source: string;
}

/** What a text that advertises has to carry in a country. */
export interface AdvertisingMarks {
  country: string;
  /** What it begins with, exactly so. */
  beginning: string;
  /** Its end says how to refuse at no cost. */
  optOut: RegExp;
  optOutExample: string;
  source: string;
}

/** The category whose explicit consent permits advertising at night in Korea. */
export const NIGHT_CATEGORY = "advertising-night";

interface DatedWindow extends SendingWindow {
  /** In force since; ms since the epoch. */
  since: number;
}

const WINDOWS: readonly DatedWindow[] = [
  {
    country: "KR",
    fromMinute: 8 * 60,
    untilMinute: 21 * 60,
    timeZone: "Asia/Seoul",
    channels: ["sms", "apns", "fcm", "webpush"],
    consentCategory: NIGHT_CATEGORY,
    source:
      "Act on Promotion of Information and Communications Network Utilization and Information Protection (정보통신망법), article 50(3): from 21:00 to 08:00 " +
      "only with a separate consent; its Enforcement Decree, article 61(2), leaves out electronic mail",
    since: Date.UTC(2014, 10, 29),
  },
  {
    country: "US",
    fromMinute: 8 * 60,
    untilMinute: 21 * 60,
    timeZone: "recipient",
    channels: ["sms"],
    source: "47 CFR 64.1200(c)(1): no telephone solicitation before 8 a.m. or after 9 p.m., local time at the called party's location",
    since: Date.UTC(1992, 11, 20),
  },
];

const MARKS: readonly AdvertisingMarks[] = [
  {
    country: "KR",
    beginning: "(광고)",
    optOut: /무료\s*(수신\s*)?거부.{0,20}?080[-\d]{6,}|080[-\d]{6,}.{0,20}?무료\s*(수신\s*)?거부/su,
    optOutExample: "무료수신거부 080-000-0000",
    source:
      "정보통신망법, article 50(4), and its Enforcement Decree, article 61(3) with annex 6: (광고) where the text begins, written exactly so, the sender's name, " +
      "and at its end a way to refuse that costs nothing",
  },
];

/** The hours for advertising in a country at a moment (ms since the epoch); undefined: its law has none that is known here. Pure. */
export const advertisingWindow = (country: string, at: number): SendingWindow | undefined =>
  WINDOWS.find((window) => window.country === country && window.since <= at);

/** What a text to this country has to carry where it advertises. */
export const advertisingMarks = (country: string): AdvertisingMarks | undefined => MARKS.find((marks) => marks.country === country);

/** The country whose rules hold for a number (E.164). All of +1 counts as the US: numbers move between its countries' carriers, and its rule is strict. */
export function advertisingCountryOf(phoneNumber: string): string | undefined {
  if (phoneNumber.startsWith("+82")) return "KR";
  return phoneNumber.startsWith("+1") ? "US" : undefined;
}

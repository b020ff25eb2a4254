import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../delivery/endpoint.ts";
import { advertisingHours, hasSeparateConsent } from "./advertising-hours.ts";
import { NIGHT_CATEGORY } from "./advertising-rules.ts";
import type { OptOut } from "./opt-out.ts";

const NOW = Date.UTC(2026, 11, 1);
const text = (phoneNumber: string): Endpoint => ({ channel: "sms", phoneNumber });
const push: Endpoint = { channel: "fcm", token: "t" };
const SEOUL_NIGHT = { timeZone: "Asia/Seoul", fromMinute: 21 * 60, untilMinute: 8 * 60, consentCategory: NIGHT_CATEGORY };

test("a text to a Korean number keeps Korea's night, also without a profile and wherever the person is", () => {
  for (const profile of [undefined, {}, { timeZone: "Europe/Berlin" }])
    assert.deepEqual(advertisingHours({ channel: "sms", endpoint: text("+821012345678"), profile }, NOW), SEOUL_NIGHT);
});

test("a push keeps Korea's night where the profile's time zone is Korea's", () => {
  for (const timeZone of ["Asia/Seoul", "asia/seoul", "ROK"])
    assert.deepEqual(advertisingHours({ channel: "fcm", endpoint: push, profile: { timeZone } }, NOW), SEOUL_NIGHT);
  for (const profile of [undefined, {}, { timeZone: "Asia/Tokyo" }])
    assert.equal(advertisingHours({ channel: "fcm", endpoint: push, profile }, NOW), undefined);
});

test("a mail keeps no night: Korea's law leaves it out", () => {
  const endpoint: Endpoint = { channel: "email", address: "ada@example.org" };
  assert.equal(advertisingHours({ channel: "email", endpoint, profile: { timeZone: "Asia/Seoul" } }, NOW), undefined);
});

test("a text to a number of the US keeps the hours where the person is, as far as a profile tells it", () => {
  const hours = (timeZone?: string) => advertisingHours({ channel: "sms", endpoint: text("+14155550123"), profile: { timeZone } }, NOW);
  assert.deepEqual(hours("America/Los_Angeles"), {
    ...{ timeZone: "America/Los_Angeles", fromMinute: 21 * 60, untilMinute: 8 * 60 },
    consentCategory: undefined,
  });
  assert.equal(hours(), undefined);
});

test("a country without a rule has no such hours", () => {
  assert.equal(advertisingHours({ channel: "sms", endpoint: text("+4915112345678"), profile: { timeZone: "Asia/Seoul" } }, NOW), undefined);
  assert.equal(advertisingHours({ channel: "sms", endpoint: undefined, profile: undefined }, NOW), undefined);
});

test("only consent to exactly this category counts, and a refusal of it by anyone counts more", () => {
  const [night, everything]: OptOut[] = [
    { channel: "*", category: NIGHT_CATEGORY },
    { channel: "*", category: "*" },
  ];
  const byText: OptOut = { channel: "sms", category: NIGHT_CATEGORY };
  const consents = (...of: OptOut[]) => ({ optOuts: [], consents: of });
  const refuses = (...of: OptOut[]) => ({ optOuts: of, consents: [] });
  const asked = { channel: "sms", category: NIGHT_CATEGORY } as const;
  const rows: [subjects: Parameters<typeof hasSeparateConsent>[0], isConsented: boolean, why: string][] = [
    [[], false, "nobody said anything"],
    [[consents(night!)], true, "for every channel"],
    [[consents(byText)], true, "for this channel"],
    [[consents({ ...byText, channel: "fcm" })], false, "for another channel"],
    [[consents(everything!)], false, "consent to everything is not separate"],
    [[consents({ ...night!, until: NOW })], false, "consent that has ended"],
    [[consents({ ...night!, until: NOW + 1 })], true, "consent that has not ended"],
    [[{ optOuts: [byText], consents: [night!] }], false, "the narrower refusal counts"],
    [[{ optOuts: [night!], consents: [byText] }], true, "the narrower consent counts"],
    [[consents(night!), refuses(byText)], false, "one of two refuses"],
    [[consents(night!), refuses(everything!)], true, "a refusal of everything is judged elsewhere"],
  ];
  for (const [subjects, isConsented, why] of rows) assert.equal(hasSeparateConsent(subjects, asked, NOW), isConsented, why);
});

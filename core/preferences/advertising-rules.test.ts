import assert from "node:assert/strict";
import { test } from "node:test";
import { advertisingCountryOf, advertisingMarks, advertisingWindow } from "./advertising-rules.ts";

const NOW = Date.UTC(2026, 11, 1);

test("Korea's night is in Seoul's time and can be consented to, that of the US is where the person is", () => {
  assert.partialDeepStrictEqual(advertisingWindow("KR", NOW), {
    ...{ fromMinute: 480, untilMinute: 1_260, timeZone: "Asia/Seoul", consentCategory: "advertising-night" },
  });
  const us = advertisingWindow("US", NOW);
  assert.partialDeepStrictEqual(us, { fromMinute: 480, untilMinute: 1_260, timeZone: "recipient", channels: ["sms"] });
  assert.equal(us?.consentCategory, undefined);
  assert.ok(!advertisingWindow("KR", NOW)?.channels.includes("email"), "mail wakes nobody, and the decree leaves it out");
});

test("a rule holds from the day on which it came into force, and a country without one has none", () => {
  assert.equal(advertisingWindow("KR", Date.UTC(2014, 10, 28)), undefined);
  assert.ok(advertisingWindow("KR", Date.UTC(2014, 10, 29)));
  assert.equal(advertisingWindow("DE", NOW), undefined);
  assert.equal(advertisingMarks("US"), undefined);
});

test("a number tells the country", () => {
  assert.equal(advertisingCountryOf("+821012345678"), "KR");
  assert.equal(advertisingCountryOf("+14155550123"), "US");
  assert.equal(advertisingCountryOf("+447700900123"), undefined);
});

test("a free way to refuse is told by its words and its number", () => {
  const { optOut, optOutExample } = advertisingMarks("KR")!;
  for (const text of [optOutExample, "무료거부 0801234567", "080-123-4567 (무료 수신거부)", "세일!\n무료수신거부: 080-1234-5678"])
    assert.match(text, optOut);
  for (const text of ["수신거부 02-123-4567", "무료수신거부", "080-123-4567", "무료 배송 080-123-4567"]) assert.doesNotMatch(text, optOut);
});

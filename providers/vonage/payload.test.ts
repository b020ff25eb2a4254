import assert from "node:assert/strict";
import { test } from "node:test";
import type { SmsContent } from "../../core/content/sms-content.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { buildVonageMessage } from "./payload.ts";

test("leaves out the plus and names the attempt", () => {
  const delivery = sampleSms();
  assert.deepEqual(buildVonageMessage(delivery, { from: "+12025550123" }, SAMPLE_NOW), {
    from: "12025550123",
    to: "447700900123",
    text: "Your code is 123456",
    type: "text",
    "client-ref": delivery.attemptId,
    ttl: 600_000,
  });
});

for (const [text, type] of [
  ["Plain, with € and {braces}", "text"],
  ["Żółć", "unicode"],
  ["👍", "unicode"],
] as const)
  test(`sends "${text}" as ${type}`, () => {
    assert.equal(buildVonageMessage(sampleSms({ text }), { from: "Carillon" }, SAMPLE_NOW)?.type, type);
  });

for (const [leftMs, ttl] of [
  [60_000, 60_000],
  [3_000, 20_000],
  [-1, 20_000],
  [9_000_000_000, 604_800_000],
] as const)
  test(`${leftMs} ms before expiry are a ttl of ${ttl} ms`, () => {
    assert.equal(buildVonageMessage(sampleSms({ expiresAt: SAMPLE_NOW + leftMs }), { from: "Carillon" }, SAMPLE_NOW)?.ttl, ttl);
  });

const build = (sms: Partial<SmsContent>, over: { ttlSeconds?: number } = {}) =>
  buildVonageMessage({ ...sampleSms({ sms }), ...over }, { from: "Carillon" }, SAMPLE_NOW)!;

test("a lifetime of 0, now or never, is the least there is", () => {
  assert.equal(build({}, { ttlSeconds: 0 }).ttl, 20_000);
  assert.equal(build({}, { ttlSeconds: 90 }).ttl, 90_000);
});

test("a flash text has message class 0, and ids of regulators stay text with all their digits", () => {
  const [registeredEntity, registeredTemplate] = ["1101234567890123456", "1107161234567890123"];
  assert.partialDeepStrictEqual(build({ flash: true, registeredEntity, registeredTemplate }), {
    "message-class": 0,
    "entity-id": registeredEntity,
    "content-id": registeredTemplate,
  });
});

test("a text is sent as it was given, unless it is to be transliterated", () => {
  for (const text of ["123456 is your code.\n\n@shop.example #123456", "(광고) 세일"]) assert.equal(build({ text }).text, text);
  assert.partialDeepStrictEqual(build({ text: "\u201cReady\u201d" }), { text: "\u201cReady\u201d", type: "unicode" });
  assert.partialDeepStrictEqual(build({ text: "\u201cReady\u201d", transliterate: true }), { text: '"Ready"', type: "text" });
});

test("an override adds fields, and reaches none of ours", () => {
  const vonage = {
    "account-ref": "shop",
    "trusted-recipient": true,
    to: "1",
    From: "x",
    text: "x",
    type: null,
    ttl: 1,
    "client-ref": "x",
    api_key: "x",
  };
  const before = build({});
  const after = build({ overrides: { vonage } });
  assert.deepEqual({ ...after, "client-ref": "" }, { ...before, "client-ref": "", "account-ref": "shop", "trusted-recipient": true });
  assert.match(String(after["client-ref"]), /^[0-9a-f]{32}-0.1$/);
});

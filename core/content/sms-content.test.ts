import assert from "node:assert/strict";
import { test } from "node:test";
import { richSms } from "../../test/support/content-samples.ts";
import { type SmsContent, smsCodec } from "./sms-content.ts";

const faultsOf = (over: Partial<SmsContent>) => smsCodec.faults(richSms(over), ["sms"]).map(({ field, rule }) => `${field} ${rule}`);

test("a text has no more segments than its caller pays for", () => {
  assert.deepEqual(faultsOf({ text: "x".repeat(306), segmentsMax: 2 }), []);
  assert.deepEqual(faultsOf({ text: "x".repeat(307), segmentsMax: 2 }), ["content.sms.text sms.segments"]);
  assert.deepEqual(faultsOf({ text: "x".repeat(1_530), segmentsMax: undefined }), []);
});

test("media are loaded by https, and are never flashed", () => {
  assert.deepEqual(faultsOf({ mediaUrls: ["https://a.example/b.png", "http://a.example/b.png"] }), ["content.sms.media_urls[1] url.https"]);
  assert.deepEqual(faultsOf({ flash: true }), ["content.sms.flash sms.flash"]);
});

test("an override is JSON of a bounded size", () => {
  assert.deepEqual(faultsOf({ overrides: { twilio: { a: Number.NaN }, vonage: { a: "x".repeat(17_000) } } }), [
    "content.sms.overrides.twilio json.number",
    "content.sms.overrides.vonage override.bytes",
  ]);
});

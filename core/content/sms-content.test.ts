import assert from "node:assert/strict";
import { test } from "node:test";
import { richSms } from "../../test/support/content-samples.ts";
import type { JsonObject } from "./json.ts";
import { type SmsContent, sentText, smsCodec, smsSizeOf } from "./sms-content.ts";

const faultsOf = (over: Partial<SmsContent>) => smsCodec.faults(richSms(over), ["sms"]).map(({ field, rule }) => `${field} ${rule}`);

test("a text has no more segments than its caller pays for", () => {
  assert.deepEqual(faultsOf({ text: "x".repeat(306), segmentsMax: 2 }), []);
  assert.deepEqual(faultsOf({ text: "x".repeat(307), segmentsMax: 2 }), ["content.sms.text sms.segments"]);
  assert.deepEqual(faultsOf({ text: "x".repeat(1_530), segmentsMax: undefined }), []);
});

test("a text has no control characters that no phone shows", () => {
  for (const character of ["\0", "\u001b", "\u000b", "\u007f", "\u009f"])
    for (const mediaUrls of [undefined, ["https://a.example/b.png"]])
      assert.deepEqual(faultsOf({ text: `a${character}b`, mediaUrls, flash: undefined }), ["content.sms.text sms.control"]);
  assert.deepEqual(faultsOf({ text: "a\tb\r\nc\fd\u0085e" }), []);
});

test("media are loaded by https, and are never flashed", () => {
  assert.deepEqual(faultsOf({ mediaUrls: ["https://a.example/b.png", "http://a.example/b.png"] }), ["content.sms.media_urls[1] url.https"]);
  assert.deepEqual(faultsOf({ flash: true }), ["content.sms.flash sms.flash"]);
});

test("an override is JSON of a bounded size", () => {
  assert.deepEqual(faultsOf({ overrides: { twilio: { MaxPrice: Number.NaN }, vonage: { "account-ref": "x".repeat(17_000) } } }), [
    "content.sms.overrides.twilio json.number",
    "content.sms.overrides.vonage override.bytes",
  ]);
});

test("an override sets nothing that Carillon sets", () => {
  assert.deepEqual(
    faultsOf({ overrides: { twilio: { ContentRetention: "discard", MaxPrice: null }, vonage: { "account-ref": "a" } } }),
    [],
  );
  assert.deepEqual(faultsOf({ overrides: { twilio: { to: "+1", Body: null, SendAt: "x" }, vonage: { "client-ref": "x", ttl: 1 } } }), [
    ...["to", "Body", "SendAt"].map((name) => `content.sms.overrides.twilio.${name} override.protected`),
    ...["client-ref", "ttl"].map((name) => `content.sms.overrides.vonage.${name} override.protected`),
  ]);
});

test("an override names what providers know, else they would ignore it; Twilio's names in the spelling of its SDK too", () => {
  assert.deepEqual(faultsOf({ overrides: { twilio: { maxPrice: "0.1", SendAsMms: true, riskCheck: null } } }), []);
  assert.deepEqual(
    faultsOf({
      overrides: { twilio: { MaxPrize: 1, max_price: 1, sendAt: "x", MaxPrice: 1, maxPrice: 2 }, vonage: { ttl_s: 1, "Account-Ref": "a" } },
    }),
    [
      "content.sms.overrides.twilio.sendAt override.protected",
      ...["MaxPrize", "max_price"].map((name) => `content.sms.overrides.twilio.${name} override.unknown`),
      "content.sms.overrides.twilio.maxPrice override.twice",
      ...["ttl_s", "Account-Ref"].map((name) => `content.sms.overrides.vonage.${name} override.unknown`),
    ],
  );
  const said = (twilio: JsonObject) => smsCodec.faults(richSms({ overrides: { twilio } }), ["sms"]).map(({ message }) => message);
  assert.deepEqual(said({ from: "+1" }), ["is refused: use content.sms.sender"]);
  assert.deepEqual(said({ ValidityPeriod: 1 }), ["is refused: use Notification.ttl_seconds"]);
  assert.match(said({ Prize: 1 })[0]!, /it may set ProvideFeedback, MaxPrice/);
});

test("a text is measured as it is sent", () => {
  const curly = { text: `${"\u2019".repeat(160)}` };
  assert.deepEqual(smsSizeOf(curly), { form: "ucs2", segments: 3 });
  assert.deepEqual(smsSizeOf({ ...curly, transliterate: true }), { form: "gsm7", segments: 1 });
  assert.deepEqual(faultsOf({ ...curly, transliterate: true, segmentsMax: 1 }), []);
  assert.deepEqual(faultsOf({ ...curly, transliterate: undefined, segmentsMax: 1 }), ["content.sms.text sms.segments"]);
});

test("media may come without a text, and have no segments", () => {
  assert.deepEqual(faultsOf({ text: "" }), []);
  assert.deepEqual(faultsOf({ text: "", mediaUrls: undefined }), ["content.sms.text sms.blank"]);
  assert.deepEqual(faultsOf({ text: " " }), ["content.sms.text sms.blank"]);
  assert.deepEqual(smsSizeOf(richSms()), { form: "mms", segments: 0 });
});

test("nothing is added to a text, before or after it", () => {
  for (const text of ["123456 is your code.\n\n@shop.example #123456", "(광고) 세일\n무료수신거부 080-123-4567"])
    for (const transliterate of [true, undefined]) assert.equal(sentText({ text, transliterate }), text);
});

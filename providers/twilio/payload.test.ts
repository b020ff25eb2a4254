import assert from "node:assert/strict";
import { test } from "node:test";
import twilio from "twilio";
import type { SmsContent } from "../../core/content/sms-content.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { buildTwilioMessage, statusCallbacks } from "./payload.ts";

const setup = { from: "+15005550006", statusCallback: statusCallbacks("https://hooks.example.org/twilio?tenant=a") };

for (const [url, callback] of [
  ["https://hooks.example.org/twilio", "https://hooks.example.org/twilio?attempt=d%2F1"],
  ["https://hooks.example.org/twilio?tenant=a", "https://hooks.example.org/twilio?tenant=a&attempt=d%2F1"],
  ["https://hooks.example.org/twilio?attempt=0&my_attempt=2#rc=2", "https://hooks.example.org/twilio?my_attempt=2&attempt=d%2F1#rc=2"],
] as const)
  test(`adds the attempt to the status callback's URL and keeps what else it has: ${url}`, () => {
    const message = buildTwilioMessage(
      { ...sampleSms(), attemptId: "d/1" },
      { ...setup, statusCallback: statusCallbacks(url) },
      SAMPLE_NOW,
    );
    assert.equal(message?.StatusCallback, callback);
  });

test("requests no callback if none is configured", () => {
  assert.deepEqual(buildTwilioMessage(sampleSms(), { ...setup, statusCallback: statusCallbacks("") }, SAMPLE_NOW), {
    To: "+447700900123",
    From: "+15005550006",
    Body: "Your code is 123456",
    ValidityPeriod: "600",
    SmartEncoded: "false",
  });
});

for (const [leftMs, seconds] of [
  [600_999, 600],
  [999, 1],
  [-5_000, 1],
  [86_400_000, 36_000],
] as const)
  test(`${leftMs} ms before expiry are a validity period of ${seconds} s`, () => {
    assert.equal(buildTwilioMessage(sampleSms({ expiresAt: SAMPLE_NOW + leftMs }), setup, SAMPLE_NOW)?.ValidityPeriod, String(seconds));
  });

test("is what Twilio's own package makes of the same message", async () => {
  let sent: unknown;
  class Recorder extends twilio.RequestClient {
    override async request<T>({ data }: { data?: unknown }) {
      sent = data;
      return { statusCode: 201, body: { sid: "SM0" } as T, headers: {} };
    }
  }
  const mediaUrl = ["https://img.example/a.jpg", "https://img.example/b.jpg"];
  const persistentAction = ["geo:1,2|a", "geo:3,4|b"];
  const delivery = sampleSms({
    sms: { mediaUrls: mediaUrl, overrides: { twilio: { PersistentAction: persistentAction, ForceDelivery: true } } },
  });
  const ours = buildTwilioMessage(delivery, setup, SAMPLE_NOW)!;
  const client = twilio("AC0", "token", { httpClient: new Recorder() as InstanceType<typeof twilio.RequestClient> });
  const statusCallback = String(ours.StatusCallback);
  const content = { body: "Your code is 123456", mediaUrl, persistentAction };
  const flags = { smartEncoded: false, forceDelivery: true };
  await client.messages.create({ to: "+447700900123", from: setup.from, statusCallback, validityPeriod: 600, ...content, ...flags });
  // The package writes numbers and truth values into the form as they are.
  const theirs = Object.entries(sent as object).map(([name, value]) => [name, Array.isArray(value) ? value : String(value)]);
  assert.deepEqual(ours, Object.fromEntries(theirs));
});

test("returns nothing for content of another channel", () => {
  assert.equal(buildTwilioMessage({ ...sampleSms(), content: {} }, setup, SAMPLE_NOW), undefined);
});

const build = (sms: Partial<SmsContent>, over: { from?: string; ttlSeconds?: number } = {}) =>
  buildTwilioMessage(
    { ...sampleSms({ sms }), ttlSeconds: over.ttlSeconds },
    { from: over.from ?? setup.from, statusCallback: undefined },
    SAMPLE_NOW,
  )!;

test("a Messaging Service is named in place of a number, and every other sender as From", () => {
  const service = `MG${"0a".repeat(16)}`;
  const { MessagingServiceSid, From } = build({}, { from: service });
  assert.deepEqual([MessagingServiceSid, From], [service, undefined]);
  for (const from of ["+15005550006", "72345", "Shop UK"]) assert.equal(build({}, { from }).From, from);
});

test("media may come without a text", () => {
  const mediaUrls = ["https://img.example/a.jpg"];
  const { Body, MediaUrl } = build({ text: "", mediaUrls });
  assert.deepEqual([Body, MediaUrl], [undefined, mediaUrls]);
});

for (const [ttlSeconds, seconds] of [
  [0, 1],
  [90, 90],
  [86_400, 600],
] as const)
  test(`a lifetime of ${ttlSeconds} s within 600 s of the expiry is a validity period of ${seconds} s`, () => {
    assert.equal(build({}, { ttlSeconds }).ValidityPeriod, String(seconds));
  });

test("an override adds and replaces fields, as a form spells them, and reaches none of ours", () => {
  const twilio = {
    ...{ ContentRetention: "discard", MaxPrice: 0.5, ForceDelivery: true, PersistentAction: ["a", "b"], SmartEncoded: null },
    ...{
      To: "+1",
      from: "+2",
      MessagingServiceSid: "MG1",
      Body: "b",
      StatusCallback: "https://x.example",
      ValidityPeriod: 9,
      SendAt: "now",
      FallbackFrom: "+3",
      ContentSid: "HX1",
    },
  };
  assert.deepEqual(build({ overrides: { twilio } }), {
    ...{ To: "+447700900123", From: setup.from, Body: "Your code is 123456", ValidityPeriod: "600" },
    ...{ ContentRetention: "discard", MaxPrice: "0.5", ForceDelivery: "true", PersistentAction: ["a", "b"], SmartEncoded: "false" },
  });
});

test("a text is sent as it was given, unless it is to be transliterated", () => {
  for (const text of ["123456 is your code.\n\n@shop.example #123456", "(광고) 세일", "\u201cReady\u201d"])
    assert.equal(build({ text }).Body, text);
  assert.equal(build({ text: "\u201cReady\u201d", transliterate: true }).Body, '"Ready"');
});

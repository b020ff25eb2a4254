import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { buildTwilioMessage } from "./payload.ts";

const setup = { from: "+15005550006", statusCallbackUrl: "https://hooks.example.org/twilio?tenant=a" };

test("adds the attempt to the status callback's URL and keeps its own query", () => {
  const delivery = sampleSms();
  const message = buildTwilioMessage(delivery, setup, SAMPLE_NOW);
  const callback = new URL(message?.statusCallback ?? "");
  assert.equal(callback.searchParams.get("attempt"), delivery.attemptId);
  assert.equal(callback.searchParams.get("tenant"), "a");
});

test("requests no callback if none is configured", () => {
  assert.deepEqual(buildTwilioMessage(sampleSms(), { ...setup, statusCallbackUrl: "" }, SAMPLE_NOW), {
    to: "+447700900123",
    from: "+15005550006",
    body: "Your code is 123456",
    validityPeriod: 600,
  });
});

for (const [leftMs, seconds] of [
  [600_999, 600],
  [999, 1],
  [-5_000, 1],
  [86_400_000, 36_000],
] as const)
  test(`${leftMs} ms before expiry are a validity period of ${seconds} s`, () => {
    assert.equal(buildTwilioMessage(sampleSms({ expiresAt: SAMPLE_NOW + leftMs }), setup, SAMPLE_NOW)?.validityPeriod, seconds);
  });

test("returns nothing for content of another channel", () => {
  assert.equal(buildTwilioMessage({ ...sampleSms(), content: {} }, setup, SAMPLE_NOW), undefined);
});

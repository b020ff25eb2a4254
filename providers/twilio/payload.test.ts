import assert from "node:assert/strict";
import { test } from "node:test";
import twilio from "twilio";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { buildTwilioMessage } from "./payload.ts";

const setup = { from: "+15005550006", statusCallbackUrl: "https://hooks.example.org/twilio?tenant=a" };

test("adds the attempt to the status callback's URL and keeps its own query", () => {
  const delivery = sampleSms();
  const message = buildTwilioMessage(delivery, setup, SAMPLE_NOW);
  const callback = new URL(message?.StatusCallback ?? "");
  assert.equal(callback.searchParams.get("attempt"), delivery.attemptId);
  assert.equal(callback.searchParams.get("tenant"), "a");
});

test("requests no callback if none is configured", () => {
  assert.deepEqual(buildTwilioMessage(sampleSms(), { ...setup, statusCallbackUrl: "" }, SAMPLE_NOW), {
    To: "+447700900123",
    From: "+15005550006",
    Body: "Your code is 123456",
    ValidityPeriod: "600",
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
  const delivery = sampleSms();
  const ours = buildTwilioMessage(delivery, setup, SAMPLE_NOW)!;
  const client = twilio("AC0", "token", { httpClient: new Recorder() as InstanceType<typeof twilio.RequestClient> });
  const { To: to, From: from, Body: body, StatusCallback: statusCallback } = ours;
  await client.messages.create({ to, from, body, statusCallback: statusCallback!, validityPeriod: 600 });
  assert.deepEqual(ours, { ...(sent as object), ValidityPeriod: String((sent as { ValidityPeriod: number }).ValidityPeriod) });
});

test("returns nothing for content of another channel", () => {
  assert.equal(buildTwilioMessage({ ...sampleSms(), content: {} }, setup, SAMPLE_NOW), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { channelOf } from "./load-mix.ts";

const counts = (from: number, until: number) => {
  const channels = Array.from({ length: until - from }, (_, i) => channelOf(from + i));
  return Object.fromEntries([...Map.groupBy(channels, (channel) => channel)].map(([channel, of]) => [channel, of.length]));
};

test("of 16 notifications 10 are pushes, 5 e-mails and one a text", () => {
  assert.deepEqual(counts(0, 160), { apns: 45, fcm: 50, webpush: 5, email: 50, sms: 10 });
  assert.deepEqual(counts(7, 167), counts(0, 160));
});

test("each channel is spread over the order", () => {
  for (const from of [0, 40, 80, 120]) {
    const { apns = 0, fcm = 0, email = 0 } = counts(from, from + 40);
    assert.ok(Math.min(apns, fcm, email) >= 9, JSON.stringify(counts(from, from + 40)));
  }
});

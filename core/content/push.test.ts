import assert from "node:assert/strict";
import { test } from "node:test";
import { richPush } from "../../test/support/content-samples.ts";
import type { PushChannel } from "../delivery/channel.ts";
import { leastApnsBody } from "./apns-payload.ts";
import { leastFcmMessage } from "./fcm-message.ts";
import { fcmEnvelopeOf, isReservedDataKey, pushPayloadBytes } from "./push.ts";
import { pushCodec } from "./push-codec.ts";
import type { PushContent } from "./push-content.ts";
import { leastWebPushPlaintext } from "./webpush-payload.ts";

const ids = { delivery: "d-0", attempt: "d-0/1" };
const content: PushContent = { title: "Dinner", body: "is ready 🍲", data: { table: "7" } };
const CHANNELS: readonly PushChannel[] = ["apns", "fcm", "webpush"];

test("every key of data arrives, whatever JavaScript means by it", () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "a.b", "$a", "é"];
  const data = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
  const expected = names.map((name) => [name, `value of ${name}`]);
  const entriesOf = (text: string) => Object.entries(JSON.parse(text).data);
  assert.deepEqual(entriesOf(leastApnsBody({ ...content, data }, ids)), expected);
  assert.deepEqual(entriesOf(leastWebPushPlaintext({ ...content, data }, { ids, mark: "m", origin: undefined })), expected);
  assert.deepEqual(entriesOf(JSON.stringify(leastFcmMessage({ ...content, data }, fcmEnvelopeOf(ids)).message)).slice(0, -2), expected);
  const { title, body } = content;
  assert.deepEqual(Object.entries(pushCodec.fromProto(pushCodec.toProto({ title, body, data })).data), expected);
  for (const name of names) {
    const { [name]: _, ...others } = data;
    const hashedOf = (of: typeof data) => JSON.stringify(pushCodec.namedValues({ title, body, data: of }));
    assert.notEqual(hashedOf(data), hashedOf(others), name);
    for (const channel of CHANNELS)
      assert.notEqual(pushPayloadBytes(channel, { ...content, data }), pushPayloadBytes(channel, { ...content, data: others }), name);
  }
});

test("a push that would show nothing is rejected", () => {
  const rulesOf = (title: string, body: string, data = {}) => pushCodec.faults({ title, body, data }, []).map((f) => f.rule);
  for (const nothing of [" ", "\n\t", "\u00a0", "\u200b\u200d", "\ufeff", "\u2800", "\u3164", "\0"]) {
    assert.deepEqual(rulesOf(nothing, ""), ["push.blank"], JSON.stringify(nothing));
    assert.deepEqual(rulesOf("", nothing, { a: "b" }), ["push.blank"], JSON.stringify(nothing));
    assert.deepEqual(rulesOf(nothing, "Dinner"), [], JSON.stringify(nothing));
  }
  for (const something of [
    "🍲",
    "👨‍👩‍👧‍👦",
    "\ud83c\udff3\ufe0f\u200d\ud83c\udf08",
    "é".repeat(500),
    "\ufffd",
    "。",
    "\u0301",
    `z${"\u0300".repeat(900)}`,
  ])
    assert.deepEqual(rulesOf(something, ""), [], JSON.stringify(something));
});

test("a plain push counts as in 0.1: what is added around it takes no room from it", () => {
  const json = { title: "Dinner", body: "is ready 🍲" };
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
  assert.equal(pushPayloadBytes("apns", content, ids), bytes({ aps: { alert: json }, data: content.data, carillon: ids }));
  assert.equal(pushPayloadBytes("webpush", content, ids), bytes({ ...json, data: content.data, carillon: ids }));
  const fcm = "titleDinnerbodyis ready 🍲table7carillon_deliveryd-0carillon_attemptd-0/1";
  assert.equal(pushPayloadBytes("fcm", content, ids), Buffer.byteLength(fcm));
});

test("counts what overrides add", () => {
  const added = { my: "x".repeat(1_000) };
  for (const [channel, overrides] of [
    ["apns", { apns: added }],
    ["fcm", { fcm: { data: added } }],
    ["webpush", { webpush: added }],
  ] as const) {
    const before = pushPayloadBytes(channel, richPush({ overrides: {} }));
    assert.ok(pushPayloadBytes(channel, richPush({ overrides })) - before >= 1_000, channel);
  }
});

test("without ids it counts the longest ones", () => {
  const delivery = `${"f".repeat(32)}-12`;
  for (const channel of CHANNELS)
    assert.ok(pushPayloadBytes(channel, content) >= pushPayloadBytes(channel, content, { delivery, attempt: `${delivery}/3` }));
});

test("counts the time that a Live Activity's content gets at its acceptance", () => {
  const live = (timestamp?: number): PushContent => ({ title: "", body: "", data: {}, liveActivity: { event: "end", timestamp } });
  assert.equal(pushPayloadBytes("apns", live()), pushPayloadBytes("apns", live(1_790_000_000_000)));
});

test("knows the keys that FCM reserves", () => {
  for (const key of ["from", "message_type", "google.c", "gcm_x", "carillon_attempt"])
    assert.equal(isReservedDataKey("fcm", key), true, key);
  for (const key of ["fromage", "order", "message"]) assert.equal(isReservedDataKey("fcm", key), false, key);
  assert.equal(isReservedDataKey("apns", "from"), false);
});

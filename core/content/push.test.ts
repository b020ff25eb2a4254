import assert from "node:assert/strict";
import { test } from "node:test";
import { apnsPayload, fcmPayload, isReservedDataKey, pushPayloadBytes, webPushPayload } from "./push.ts";
import { pushCodec } from "./push-codec.ts";
import type { PushContent } from "./push-content.ts";

const ids = { delivery: "d-0", attempt: "d-0/1" };
const content: PushContent = { title: "Dinner", body: "is ready 🍲", data: { table: "7" } };

test("each channel carries title, body, data and both ids", () => {
  assert.deepEqual(apnsPayload(content, ids), {
    aps: { alert: { title: "Dinner", body: "is ready 🍲" } },
    data: { table: "7" },
    carillon: ids,
  });
  assert.deepEqual(fcmPayload(content, ids), {
    notification: { title: "Dinner", body: "is ready 🍲" },
    data: { __proto__: null, table: "7", carillon_delivery: "d-0", carillon_attempt: "d-0/1" },
  });
  assert.deepEqual(webPushPayload(content, ids), { title: "Dinner", body: "is ready 🍲", data: { table: "7" }, carillon: ids });
});

test("what is not given is absent in every payload", () => {
  const titleOnly = { ...content, body: "", data: {} };
  assert.deepEqual(apnsPayload(titleOnly, ids), { aps: { alert: { title: "Dinner" } }, carillon: ids });
  assert.deepEqual(fcmPayload(titleOnly, ids).notification, { title: "Dinner" });
  assert.deepEqual(webPushPayload(titleOnly, ids), { title: "Dinner", carillon: ids });
  const bodyOnly = { ...content, title: "", data: {} };
  assert.deepEqual(apnsPayload(bodyOnly, ids).aps, { alert: { body: "is ready 🍲" } });
  assert.deepEqual(fcmPayload(bodyOnly, ids).notification, { body: "is ready 🍲" });
  assert.deepEqual(webPushPayload(bodyOnly, ids), { body: "is ready 🍲", carillon: ids });
});

test("data alone show nothing", () => {
  const silent = { ...content, title: "", body: "" };
  assert.deepEqual(apnsPayload(silent, ids), { aps: { "content-available": 1 }, data: { table: "7" }, carillon: ids });
  assert.equal("notification" in fcmPayload(silent, ids), false);
  assert.deepEqual(webPushPayload(silent, ids), { data: { table: "7" }, carillon: ids });
  assert.equal(pushPayloadBytes("fcm", silent, ids), "table7".length + "carillon_deliveryd-0carillon_attemptd-0/1".length);
});

test("every key of data arrives, whatever JavaScript means by it", () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "a.b", "$a", "é"];
  const data = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
  const arrived = (payload: object) => Object.entries(JSON.parse(JSON.stringify(payload)));
  const expected = names.map((name) => [name, `value of ${name}`]);
  assert.deepEqual(arrived(apnsPayload({ ...content, data }, ids).data!), expected);
  assert.deepEqual(arrived(webPushPayload({ ...content, data }, ids).data!), expected);
  assert.deepEqual(arrived(fcmPayload({ ...content, data }, ids).data).slice(0, -2), expected);
  const { title, body } = content;
  assert.deepEqual(Object.entries(pushCodec.fromProto(pushCodec.toProto({ title, body, data })).data), expected);
  for (const name of names) {
    const { [name]: _, ...others } = data;
    const hashedOf = (of: typeof data) => JSON.stringify(pushCodec.namedValues({ title, body, data: of }));
    assert.notEqual(hashedOf(data), hashedOf(others), name);
    assert.notEqual(pushPayloadBytes("apns", { ...content, data }), pushPayloadBytes("apns", { ...content, data: others }), name);
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

test("data cannot take the place of a key that counts", () => {
  const data = { aps: "x", carillon: "x", carillon_delivery: "x" };
  assert.deepEqual(apnsPayload({ ...content, data }, ids).carillon, ids);
  assert.equal(fcmPayload({ ...content, data }, ids).data.carillon_delivery, "d-0");
});

test("counts what the provider counts", () => {
  assert.equal(pushPayloadBytes("apns", content, ids), Buffer.byteLength(JSON.stringify(apnsPayload(content, ids))));
  assert.equal(pushPayloadBytes("webpush", content, ids), Buffer.byteLength(JSON.stringify(webPushPayload(content, ids))));
  const fcm = "title" + "Dinner" + "body" + "is ready 🍲" + "table" + "7" + "carillon_delivery" + "d-0" + "carillon_attempt" + "d-0/1";
  assert.equal(pushPayloadBytes("fcm", content, ids), Buffer.byteLength(fcm));
});

test("without ids it counts the longest ones", () => {
  const delivery = `${"f".repeat(32)}-12`;
  for (const channel of ["apns", "fcm", "webpush"] as const)
    assert.ok(pushPayloadBytes(channel, content) >= pushPayloadBytes(channel, content, { delivery, attempt: `${delivery}/3` }));
});

test("knows the keys that FCM reserves", () => {
  for (const key of ["from", "message_type", "google.c", "gcm_x", "carillon_attempt"])
    assert.equal(isReservedDataKey("fcm", key), true, key);
  for (const key of ["fromage", "order", "message"]) assert.equal(isReservedDataKey("fcm", key), false, key);
  assert.equal(isReservedDataKey("apns", "from"), false);
});

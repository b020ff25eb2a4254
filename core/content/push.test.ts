import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushContent } from "./push.ts";
import { apnsPayload, fcmPayload, isReservedDataKey, pushPayloadBytes, webPushPayload } from "./push.ts";

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
    data: { table: "7", carillon_delivery: "d-0", carillon_attempt: "d-0/1" },
  });
  assert.deepEqual(webPushPayload(content, ids), { title: "Dinner", body: "is ready 🍲", data: { table: "7" }, carillon: ids });
});

test("no data is no key in APNs' payload", () => {
  assert.equal("data" in apnsPayload({ ...content, data: {} }, ids), false);
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

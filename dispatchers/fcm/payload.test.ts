import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildFcmMessage, ttlMs } from "./payload.ts";

const now = 1_700_000_000_000;
const push = samplePush({ channel: "fcm", token: "t" }, { expiresAt: now + 90_500, collapseKey: "order-7" });
const content = push.content.push!;

test("the message holds notification, data with both ids, and what Android is to do with it", () => {
  assert.deepEqual(buildFcmMessage(push, "t", content, now), {
    token: "t",
    notification: { title: "Dinner", body: "is ready 🍲" },
    data: { table: "7", carillon_delivery: push.deliveryId, carillon_attempt: push.attemptId },
    android: { priority: "high", ttl: 90_000, collapseKey: "order-7" },
  });
});

test("all but high goes out when the device is awake anyway", () => {
  for (const priority of ["normal", "low"] as const)
    assert.equal(buildFcmMessage({ ...push, priority }, "t", content, now).android?.priority, "normal");
});

test("lives whole seconds, from none to four weeks", () => {
  assert.equal(ttlMs(now - 5_000, now), 0);
  assert.equal(ttlMs(now + 1_999, now), 1_000);
  assert.equal(ttlMs(now + 90 * 86_400_000, now), 28 * 86_400_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildWebPushMessage, topicOf } from "./payload.ts";

const now = 1_700_000_000_000;
const push = samplePush({ channel: "webpush", pushUrl: "https://h/x", p256dh: "", auth: "" }, { expiresAt: now + 90_500 });
const content = push.content.push!;

test("the service worker receives title, body, data and both ids", () => {
  assert.deepEqual(JSON.parse(buildWebPushMessage(push, content, now).plaintext), {
    title: "Dinner",
    body: "is ready 🍲",
    data: { table: "7" },
    carillon: { delivery: push.deliveryId, attempt: push.attemptId },
  });
});

test("urgency is the priority, TTL the whole seconds left", () => {
  for (const priority of ["high", "normal", "low"] as const) {
    const { urgency, ttl, topic } = buildWebPushMessage({ ...push, priority }, content, now);
    assert.deepEqual({ urgency, ttl, topic }, { urgency: priority, ttl: 90, topic: undefined });
  }
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now - 1 }, content, now).ttl, 0);
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now + 90 * 86_400_000 }, content, now).ttl, 28 * 86_400);
});

test("a collapse key that is no topic is replaced by its hash", () => {
  assert.equal(topicOf("order-7_x"), "order-7_x");
  for (const key of ["x".repeat(33), "order 7", "ä"]) assert.match(topicOf(key), /^[0-9a-f]{32}$/);
  assert.notEqual(topicOf("order 7"), topicOf("order 8"));
});

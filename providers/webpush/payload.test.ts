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
    const { urgency, ttl } = buildWebPushMessage({ ...push, priority }, content, now);
    assert.deepEqual({ urgency, ttl }, { urgency: priority, ttl: 90 });
  }
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now - 1 }, content, now).ttl, 0);
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now + 90 * 86_400_000 }, content, now).ttl, 28 * 86_400);
});

test("always has a topic, so that a repeated attempt replaces its twin", () => {
  const topic = (collapseKey?: string) => buildWebPushMessage({ ...push, collapseKey }, content, now).topic;
  assert.equal(topic(), topicOf(push.deliveryId));
  assert.equal(topic("order-7"), topicOf("shop/order-7"));
  assert.match(topic(), /^[\w-]{32}$/);
});

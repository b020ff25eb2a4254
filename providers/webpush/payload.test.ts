import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { topicOf } from "../transport/replacement-mark.ts";
import { buildWebPushMessage as build } from "./payload.ts";

const now = 1_700_000_000_000;
const push = samplePush({ channel: "webpush", pushUrl: "https://h/x", p256dh: "", auth: "" }, { expiresAt: now + 90_500 });
const content = push.content.push!;
const buildWebPushMessage = (delivery: typeof push, of: typeof content, at: number, origin?: string) =>
  build(delivery, of, { origin, now: at });

test("the service worker receives title, body, data, both ids and a tag; the browser where to go", () => {
  const { carillon, web_push, notification, ...texts } = JSON.parse(
    buildWebPushMessage(push, content, now, "https://shop.example").plaintext,
  );
  assert.deepEqual(texts, { title: "Dinner", body: "is ready 🍲", data: { table: "7" } });
  assert.deepEqual(carillon, { delivery: push.deliveryId, attempt: push.attemptId });
  assert.deepEqual([web_push, notification.navigate, notification.tag], [8030, "https://shop.example", push.deliveryId]);
});

test("urgency is the priority, TTL the whole seconds left", () => {
  for (const priority of ["high", "normal", "low"] as const) {
    const { urgency, ttl } = buildWebPushMessage({ ...push, priority }, content, now);
    assert.deepEqual({ urgency, ttl }, { urgency: priority, ttl: 90 });
  }
  const passive = { ...content, interruptionLevel: "passive" } as const;
  const urgencies = (["normal", "low"] as const).map((priority) => buildWebPushMessage({ ...push, priority }, passive, now).urgency);
  assert.deepEqual(urgencies, ["normal", "very-low"]);
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now - 1 }, content, now).ttl, 0);
  assert.equal(buildWebPushMessage({ ...push, expiresAt: now + 90 * 86_400_000 }, content, now).ttl, 28 * 86_400);
  assert.equal(buildWebPushMessage({ ...push, ttlSeconds: 0 }, content, now).ttl, 0);
});

test("always has a topic, so that a repeated attempt replaces its twin", () => {
  const topic = (collapseKey?: string) => buildWebPushMessage({ ...push, collapseKey }, content, now).topic;
  assert.equal(topic(), topicOf(push.deliveryId));
  assert.equal(topic("order-7"), topicOf("shop/order-7"));
  assert.match(topic(), /^[\w-]{32}$/);
});

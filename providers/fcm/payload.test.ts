import assert from "node:assert/strict";
import { test } from "node:test";
import { FCM_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import { pushOfBytes, samplePush } from "../../test/support/delivery-samples.ts";
import { buildFcmMessage, ttlSeconds } from "./payload.ts";

const now = 1_700_000_000_000;
const push = samplePush({ channel: "fcm", token: "t" }, { expiresAt: now + 90_500, collapseKey: "order-7" });
const content = push.content.push!;

test("the message holds the notification, data with both ids, and the Android options", () => {
  assert.deepEqual(buildFcmMessage(push, "t", content, now), {
    token: "t",
    notification: { title: "Dinner", body: "is ready 🍲" },
    data: { __proto__: null, table: "7", carillon_delivery: push.deliveryId, carillon_attempt: push.attemptId },
    android: { priority: "high", ttl: "90s", collapse_key: "shop/order-7", notification: { tag: "shop/order-7" } },
    apns: { headers: { "apns-collapse-id": "shop/order-7" } },
    webpush: { headers: { Topic: "2e160fe9da2a2708f2045558c1a7483d" }, notification: { tag: "shop/order-7" } },
  });
});

test("without a collapse key the device receives the delivery as its tag, and FCM receives no collapse key", () => {
  const { android, apns, webpush } = buildFcmMessage({ ...push, collapseKey: undefined }, "t", content, now);
  assert.deepEqual(android, { priority: "high", ttl: "90s", notification: { tag: push.deliveryId } });
  assert.equal(apns?.headers?.["apns-collapse-id"], push.deliveryId);
  assert.match(webpush?.headers?.Topic ?? "", /^[\w-]{32}$/);
});

test("a push that leaves no room for the tag goes without it, and keeps the marks that travel outside", () => {
  const bytes = (one: typeof push) => pushPayloadBytes("fcm", one.content.push!, { delivery: one.deliveryId, attempt: one.attemptId });
  const built = (room: number) => {
    const one = pushOfBytes(push, FCM_PAYLOAD_BYTES_MAX - room, bytes);
    return buildFcmMessage(one, "t", one.content.push!, now);
  };
  const needed = "tagshop/order-7".length;
  assert.equal(built(needed).android?.notification?.tag, "shop/order-7");
  assert.equal(built(needed - 1).android?.notification, undefined);
  assert.equal(built(0).apns?.headers?.["apns-collapse-id"], "shop/order-7");
});

test("data alone wake the application on iOS too, and have no tag, which would be shown", () => {
  const silent = { ...content, title: "", body: "" };
  const { notification, android, apns, webpush } = buildFcmMessage(push, "t", silent, now);
  assert.deepEqual([notification, android?.notification, webpush?.notification], [undefined, undefined, undefined]);
  assert.deepEqual(apns, {
    headers: { "apns-collapse-id": "shop/order-7", "apns-push-type": "background", "apns-priority": "5" },
    payload: { aps: { "content-available": 1 } },
  });
});

test("every priority but high is sent as Android's normal", () => {
  for (const priority of ["normal", "low"] as const)
    assert.equal(buildFcmMessage({ ...push, priority }, "t", content, now).android?.priority, "normal");
});

test("the ttl is in whole seconds, from zero to four weeks", () => {
  assert.equal(ttlSeconds(now - 5_000, now), 0);
  assert.equal(ttlSeconds(now + 1_999, now), 1);
  assert.equal(ttlSeconds(now + 90 * 86_400_000, now), 28 * 86_400);
});

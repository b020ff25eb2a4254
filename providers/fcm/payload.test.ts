import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { buildFcmMessage } from "./payload.ts";

const now = 1_700_000_000_000;
const token = { channel: "fcm", token: "t" } as const;
const push = samplePush(token, { expiresAt: now + 90_500, collapseKey: "order-7" });
// As it arrives: any shape.
const built = (over: Partial<typeof push> = {}, kind?: "installation") =>
  JSON.parse(JSON.stringify(buildFcmMessage({ ...push, ...over }, { ...token, kind }, push.content.push!, now).message));

test("each platform is told by whom, how urgent, how long and under which mark", () => {
  const { token, data, android, apns, webpush } = built();
  assert.equal(token, "t");
  assert.deepEqual([data.carillon_delivery, data.carillon_attempt], [push.deliveryId, push.attemptId]);
  const { notification, ...options } = android;
  assert.deepEqual(options, { priority: "high", ttl: "90s", collapse_key: "shop/order-7" });
  assert.equal(notification.tag, "shop/order-7");
  assert.deepEqual(apns.headers, {
    ...{ "apns-collapse-id": "shop/order-7", "apns-push-type": "alert", "apns-priority": "10", "apns-expiration": "1700000090" },
  });
  assert.deepEqual(webpush.headers, { Topic: "2e160fe9da2a2708f2045558c1a7483d", TTL: "90", Urgency: "high" });
});

test("without a collapse key the device receives the delivery as its tag, and FCM receives no collapse key", () => {
  const { android, apns, webpush } = built({ collapseKey: undefined });
  assert.deepEqual([android.collapse_key, android.notification.tag], [undefined, push.deliveryId]);
  assert.equal(apns.headers["apns-collapse-id"], push.deliveryId);
  assert.match(webpush.headers.Topic, /^[\w-]{32}$/);
});

test("an installation id stands where the token would, and nothing else differs", () => {
  const { token: _, ...rest } = built();
  assert.deepEqual(built({}, "installation"), { fid: "t", ...rest });
});

test("a lifetime of 0 is now or never on every platform", () => {
  const { android, apns, webpush } = built({ ttlSeconds: 0 });
  assert.deepEqual([android.ttl, apns.headers["apns-expiration"], webpush.headers.TTL], ["0s", "0", "0"]);
});

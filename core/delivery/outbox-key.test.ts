import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "./notification.ts";
import { outboxPlace, readOutboxKey, TOGETHER_MS } from "./outbox-key.ts";

const [NOW, EXPIRES] = [1_800_000_000_000, 1_800_086_400_000];
type Open = Pick<Delivery, "channel" | "state" | "publishCount" | "publishedAt" | "nextAt" | "expiresAt">;

/** Never published, and due now. */
const unpublished = (channel: Delivery["channel"], over: Partial<Open> = {}): Open => ({
  ...{ channel, state: "pending", publishCount: 0, nextAt: NOW },
  ...over,
});
const published = (channel: Delivery["channel"], over: Partial<Open> = {}) =>
  unpublished(channel, { publishCount: 1, publishedAt: NOW, ...over });
const ended = (channel: Delivery["channel"]) => unpublished(channel, { state: "sent", nextAt: undefined });
const placeOf = (...deliveries: Open[]) => outboxPlace({ notificationClass: "critical", app: "shop", expiresAt: EXPIRES, deliveries });

test("waits under its class while the first due delivery waits for no room", () => {
  const place = { key: "critical", laterDue: EXPIRES };
  assert.deepEqual(placeOf(published("sms")), place);
  assert.deepEqual(placeOf(unpublished("sms", { state: "uncertain" })), place);
  assert.deepEqual(placeOf(published("sms"), unpublished("email", { nextAt: NOW + 1 })), place);
  assert.equal(placeOf(ended("sms"), ended("email")), undefined);
});

test("waits under the queues of all deliveries that wait for room together", () => {
  assert.deepEqual(placeOf(unpublished("email")), { key: "critical.email.shop", laterDue: EXPIRES });
  assert.deepEqual(placeOf(unpublished("email"), unpublished("email"), ended("sms")), { key: "critical.email.shop", laterDue: EXPIRES });
  assert.deepEqual(placeOf(unpublished("email", { nextAt: NOW + TOGETHER_MS }), published("sms", { publishedAt: 0 })), {
    key: "critical.sms+email.shop",
    laterDue: EXPIRES,
  });
});

test("the later moment is the earliest of what is due otherwise, and of the expiry of what waits for room", () => {
  const waiting = unpublished("email");
  for (const other of [
    published("sms", { nextAt: NOW + 7 }),
    published("sms", { nextAt: NOW }),
    unpublished("sms", { state: "uncertain", nextAt: NOW + 7 }),
    unpublished("sms", { nextAt: NOW + TOGETHER_MS + 1 }),
  ]) {
    // Of two due at the same moment the first one decides.
    assert.deepEqual(placeOf(waiting, other), { key: "critical.email.shop", laterDue: other.nextAt });
    assert.deepEqual(placeOf(waiting, published("apns", { nextAt: NOW + 30_000 }), other)?.laterDue, other.nextAt);
  }
  assert.equal(placeOf({ ...waiting, expiresAt: EXPIRES + 5 })?.laterDue, EXPIRES + 5, "a redrive gave it more time");
  assert.equal(placeOf(waiting, published("sms", { nextAt: EXPIRES + 1 }))?.laterDue, EXPIRES);
});

test("a key is read as it was made, and no other text is", () => {
  const queue = (channel: Delivery["channel"]) => ({ notificationClass: "critical", channel, app: "shop" });
  assert.deepEqual(readOutboxKey("critical"), { notificationClass: "critical", queues: [] });
  assert.deepEqual(readOutboxKey("critical.email.shop"), { notificationClass: "critical", queues: [queue("email")] });
  assert.deepEqual(readOutboxKey("critical.sms+email.shop"), { notificationClass: "critical", queues: [queue("sms"), queue("email")] });
  for (const key of [
    "",
    "urgent",
    "urgent.sms.shop",
    "critical.fax.shop",
    "critical.sms+fax.shop",
    "critical.sms",
    "critical..shop",
    "critical.sms.",
  ])
    assert.equal(readOutboxKey(key), undefined, key);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { backgroundPush, richContent, richEmail, richPush, richSms } from "../../test/support/content-samples.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import type { Content } from "../content/content.ts";
import type { Channel } from "./channel.ts";
import type { Endpoint } from "./endpoint.ts";
import { unknownNeeds } from "./needs.ts";
import type { NotificationRecord } from "./notification.ts";
import { toTask } from "./task.ts";

const plain: Content = {
  push: { title: "t", body: "b", data: { a: "b" } },
  sms: { text: "hello" },
  email: { subject: "s", html: "<p>h</p>", text: "t" },
};

function needsOf(channel: Channel, over: Partial<NotificationRecord>): readonly string[] {
  const record = sampleNotification("k", 0, over);
  return toTask(record, { ...record.deliveries[0]!, channel }).needs;
}

test("what every dispatcher can send needs nothing", () => {
  for (const channel of ["apns", "fcm", "webpush", "sms", "email"] as const) assert.deepEqual(needsOf(channel, { content: plain }), []);
});

test("a part with a field that older dispatchers would leave out needs a newer one, the other parts do not", () => {
  const rich = richContent();
  for (const channel of ["apns", "fcm", "webpush"] as const) assert.deepEqual(needsOf(channel, { content: rich }), ["rich-push"]);
  assert.deepEqual(needsOf("sms", { content: rich }), ["rich-sms"]);
  assert.deepEqual(needsOf("email", { content: rich }), ["rich-email"]);
  assert.deepEqual(needsOf("sms", { content: { ...rich, sms: plain.sms } }), []);
});

test("each single field needs it, also a badge of 0", () => {
  for (const [part, channel, full] of [
    ["push", "apns", { ...richPush(), ...backgroundPush() }],
    ["sms", "sms", richSms({ flash: true })],
    ["email", "email", richEmail()],
  ] as const)
    for (const [field, value] of Object.entries(full)) {
      if (field in plain[part]!) continue;
      const content = { ...plain, [part]: { ...plain[part], [field]: value } };
      assert.deepEqual(needsOf(channel, { content }), [`rich-${part}`], field);
    }
  assert.deepEqual(needsOf("apns", { content: { push: { ...plain.push!, badge: 0 } } }), ["rich-push"]);
});

test("a part kept apart needs what was found of it when it was stored", () => {
  const contentHashes = { email: "ab".repeat(32) };
  assert.deepEqual(needsOf("email", { content: {}, contentHashes }), ["content-by-reference"]);
  assert.deepEqual(needsOf("email", { content: {}, contentHashes, richApart: ["email"] }), ["content-by-reference", "rich-email"]);
  assert.deepEqual(needsOf("sms", { content: { sms: plain.sms }, contentHashes, richApart: ["email"] }), []);
});

test("a mail that attaches blobs needs it, the other channels do not", () => {
  const blobIds = ["ab".repeat(32)];
  assert.deepEqual(needsOf("email", { content: richContent(), blobIds }), ["rich-email", "blobs"]);
  assert.deepEqual(needsOf("sms", { content: plain, blobIds }), []);
});

test("a lifetime at the provider needs it, also 0, but not of a mail", () => {
  assert.deepEqual(needsOf("apns", { content: plain, ttlSeconds: 0 }), ["ttl"]);
  assert.deepEqual(needsOf("sms", { content: plain, ttlSeconds: 60 }), ["ttl"]);
  assert.deepEqual(needsOf("email", { content: plain, ttlSeconds: 0 }), []);
});

test("this version knows all that it names", () => {
  const needs = (["apns", "sms", "email"] as const).flatMap((channel) =>
    needsOf(channel, { content: richContent(), ttlSeconds: 0, contentHashes: { email: "x" }, blobIds: ["x"] }),
  );
  assert.deepEqual([...new Set(needs)].sort(), ["blobs", "content-by-reference", "rich-email", "rich-push", "rich-sms", "ttl"]);
  assert.deepEqual(unknownNeeds(needs), []);
});

test("a task needs what an earlier dispatcher would not know of its endpoint and app", () => {
  const needsAt = (endpoint: Endpoint, over: Partial<NotificationRecord> = {}) => {
    const n = sampleNotification("n", 0, { content: plain, ...over });
    return toTask(n, { ...n.deliveries[0]!, channel: endpoint.channel, endpoint }).needs;
  };
  const token = { channel: "apns", token: "ab" } as const;
  assert.deepEqual(needsAt(token), []);
  assert.deepEqual(needsAt({ ...token, application: "com.example.shop" }), ["apns-application"]);
  assert.deepEqual(needsAt({ ...token, environment: "development" }), ["apns-environment"]);
  const ofKinds = [...needsAt({ ...token, kind: "voip" }), ...needsAt({ ...token, kind: "live-activity" })];
  ofKinds.push(...needsAt({ ...token, kind: "live-activity-start" }), ...needsAt({ channel: "fcm", token: "ab", kind: "installation" }));
  assert.deepEqual(ofKinds, ["apns-voip", "apns-live-activity", "apns-live-activity", "fcm-installation"]);
  assert.deepEqual(unknownNeeds(ofKinds), []);
  const all = needsAt({ ...token, application: "a", environment: "development" }, { hasOwnAccounts: true, contentHashes: { push: "h" } });
  assert.deepEqual(all, ["content-by-reference", "app-accounts", "apns-application", "apns-environment"]);
  assert.deepEqual(unknownNeeds(all), []);
});

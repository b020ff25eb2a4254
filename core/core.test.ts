import assert from "node:assert/strict";
import { test } from "node:test";
import { type Endpoint, endpointKey, maskEndpoint } from "./delivery/endpoint.ts";
import { dueAt } from "./delivery/notification.ts";
import { taskMessageId } from "./delivery/subjects.ts";

const endpoints: Endpoint[] = [
  { channel: "apns", token: "AABBCCDDEEFF00112233" },
  { channel: "fcm", token: "fcm-token-1234567" },
  { channel: "webpush", pushUrl: "https://push.example/secret/path/abcd", p256dh: "k", auth: "a" },
  { channel: "sms", phoneNumber: "+4915112345678" },
  { channel: "email", address: "Ada@Example.com" },
];

test("a masked endpoint keeps less than half of what it hides", () => {
  const secrets = ["AABBCCDDEEFF00112233", "fcm-token-1234567", "/secret/path/", "15112345", "Ada@"];
  for (const [i, endpoint] of endpoints.entries()) assert.ok(!maskEndpoint(endpoint).includes(secrets[i]!), maskEndpoint(endpoint));
});

test("the same endpoint has the same key however it is spelled, and different ones differ", () => {
  assert.equal(endpointKey({ channel: "email", address: "ada@example.COM" }), endpointKey(endpoints[4]!));
  assert.equal(endpointKey({ channel: "apns", token: "aabbccddeeff00112233" }), endpointKey(endpoints[0]!));
  assert.equal(new Set(endpoints.map(endpointKey)).size, endpoints.length);
});

test("a notification is due when the first of its open deliveries is", () => {
  const d = (nextAt?: number) => ({ id: "d", channel: "sms" as const, state: "pending" as const, attempt: 1, publishCount: 0, nextAt });
  assert.equal(dueAt([d(), d(7), d(3)]), 3);
  assert.equal(dueAt([d(), d()]), undefined);
});

test("a watchdog's copy has another message id than the first publication", () => {
  assert.notEqual(taskMessageId("d-0", 1, 0), taskMessageId("d-0", 1, 1));
});

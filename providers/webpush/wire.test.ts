import assert from "node:assert/strict";
import { test } from "node:test";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { pushOfBytes, samplePush } from "../../test/support/delivery-samples.ts";
import { startUnwantedServer } from "../../test/support/unwanted-server.ts";
import { withProvider } from "../../test/support/with-provider.ts";
import { webPushVariables } from "./config.ts";
import { createWebPushProvider } from "./provider.ts";

const wire = withProvider((env) => createWebPushProvider(readConfig(webPushVariables, env), { clock: systemClock }));
const { send, arrived } = wire;
const soon = () => AbortSignal.timeout(15_000);
const push = (name = "browser-1", over: Partial<OutboundDelivery> = {}) =>
  samplePush({ channel: "webpush", ...wire.sandbox.webPushSubscription(name) }, over);

test("the push service reads the headers, and only the browser can decrypt the content", async () => {
  const sent = push("browser-1", { priority: "low", collapseKey: "order-7", expiresAt: Date.now() + 3_600_900 });
  const outcome = await send(sent);
  assert.ok(outcome.kind === "accepted" && /^[\w-]{24}$/.test(outcome.providerRef), JSON.stringify(outcome));
  const [entry] = arrived(sent);
  const { ttl, urgency, topic, "content-encoding": encoding } = entry?.headers ?? {};
  assert.match(ttl ?? "", /^(35[89]\d|3600)$/, "about an hour");
  assert.deepEqual({ urgency, topic, encoding }, { urgency: "low", topic: "2e160fe9da2a2708f2045558c1a7483d", encoding: "aes128gcm" });
  assert.deepEqual(entry?.payload, {
    notification: { title: "Dinner", body: "is ready 🍲", tag: "shop/order-7", data: { table: "7" } },
    title: "Dinner",
    body: "is ready 🍲",
    data: { table: "7" },
    carillon: { delivery: sent.deliveryId, attempt: sent.attemptId },
  });
});

test("calls only the hosts on the list", async () => {
  const elsewhere = createWebPushProvider(readConfig(webPushVariables, { ...wire.sandbox.env, WEBPUSH_HOSTS: "web.push.apple.com" }), {
    clock: systemClock,
  });
  const sent = push();
  assert.deepEqual(await elsewhere.send(sent, soon()), { kind: "rejected", reason: "push-host-not-allowed" });
  await elsewhere[Symbol.asyncDispose]();
  assert.deepEqual(arrived(sent), []);
});

test("a listed host is called only at a public address, unless others are allowed", async () => {
  await using server = await startUnwantedServer();
  for (const host of ["localhost", "127.0.0.1"]) {
    const env = { ...wire.sandbox.env, WEBPUSH_HOSTS: `${host}:${server.port}`, OUTBOUND_ALLOWED_ADDRESSES: "10.0.0.0/8" };
    const provider = createWebPushProvider(readConfig(webPushVariables, env), { clock: systemClock });
    const sent = push();
    const endpoint = { ...sent.endpoint, pushUrl: `https://${host}:${server.port}/wpush/x` } as OutboundDelivery["endpoint"];
    assert.deepEqual(await provider.send({ ...sent, endpoint }, soon()), { kind: "unavailable", fault: { code: "address-not-allowed" } });
    await provider[Symbol.asyncDispose]();
  }
  assert.equal(server.connections, 0);
});

test("a listed name is called at an address that is allowed", async () => {
  const sent = push();
  const { port } = new URL(sent.endpoint.channel === "webpush" ? sent.endpoint.pushUrl : "");
  const env = { ...wire.sandbox.env, WEBPUSH_HOSTS: `localhost:${port}` };
  const provider = createWebPushProvider(readConfig(webPushVariables, env), { clock: systemClock });
  const endpoint = { ...sent.endpoint, pushUrl: `https://localhost:${port}/wpush/browser-1` } as OutboundDelivery["endpoint"];
  const outcome = await provider.send({ ...sent, endpoint }, soon());
  await provider[Symbol.asyncDispose]();
  // The sandbox expects tokens for its own name: it was reached, and answered.
  assert.ok(outcome.kind === "accepted" || outcome.kind === "misconfigured", JSON.stringify(outcome));
});

test("a push of the largest size that every service accepts arrives, and one byte more is not sent", async () => {
  const bytes = (one: OutboundDelivery) =>
    pushPayloadBytes("webpush", one.content.push!, { delivery: one.deliveryId, attempt: one.attemptId });
  const full = pushOfBytes(push(), WEBPUSH_PLAINTEXT_BYTES_MAX, bytes);
  assert.equal((await send(full)).kind, "accepted");
  assert.equal(arrived(full)[0]?.headers["content-length"], "4096");
  const over = pushOfBytes(push(), WEBPUSH_PLAINTEXT_BYTES_MAX + 1, bytes);
  assert.deepEqual(await send(over), { kind: "rejected", reason: "payload-too-large" });
  assert.deepEqual(arrived(over), []);
});

test("a rejected key is misconfigured, unless the same service accepted it recently", async () => {
  const rejected = () => send(push("oldkey-1"));
  assert.deepEqual(await rejected(), { kind: "misconfigured", reason: "vapid-rejected http-403", scope: "endpoint" });
  assert.equal((await send(push())).kind, "accepted");
  assert.deepEqual(await rejected(), { kind: "rejected", reason: "vapid-rejected http-403" });
});

test("a subscription with unusable keys is gone, and nothing is sent", async () => {
  const sent = push();
  const endpoint = { ...sent.endpoint, p256dh: "AAAA" } as OutboundDelivery["endpoint"];
  assert.deepEqual(await send({ ...sent, endpoint }), {
    kind: "endpoint-gone",
    reason: "subscription-keys",
    goneAt: undefined,
  });
  assert.deepEqual(arrived(sent), []);
});

test("a subscription whose key is not a point on the curve is gone too", async () => {
  const sent = push();
  const endpoint = { ...sent.endpoint, p256dh: Buffer.alloc(65, 4).toString("base64url") } as OutboundDelivery["endpoint"];
  assert.equal((await send({ ...sent, endpoint })).kind, "endpoint-gone");
});

test("VAPID keys that cannot be used are rejected at once, without quoting them", () => {
  const config = { ...readConfig(webPushVariables, wire.sandbox.env), WEBPUSH_VAPID_PRIVATE_KEY_FILE: "secret" };
  assert.throws(
    () => createWebPushProvider(config, { clock: systemClock }),
    (error: Error) => /RFC 8292/.test(error.message) && !/secret/.test(error.message),
  );
});

test("signs once for all pushes to a service, and again after a rejection", async () => {
  const sent = [push("browser-1"), push("browser-2")];
  for (const one of sent) assert.equal((await send(one)).kind, "accepted");
  const [first, second] = sent.map((one) => arrived(one)[0]?.headers.authorization);
  assert.match(first ?? "", /^vapid ./);
  assert.equal(second, first);
  const rejected = push("oldkey-2");
  await send(rejected);
  const next = push("browser-1");
  await send(next);
  assert.notEqual(arrived(next)[0]?.headers.authorization, first);
});

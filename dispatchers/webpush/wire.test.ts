import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "../../core/limits.ts";
import type { OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import { pushPayloadBytes } from "../../core/push-payload.ts";
import { systemClock } from "../../infra/clock.ts";
import { readConfig } from "../../infra/config.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { pushOfBytes, samplePush } from "../../test/support/push-samples.ts";
import { webPushVariables } from "./config.ts";
import { createWebPushProvider } from "./provider.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-webpush-wire-"));
let sandbox: Sandbox;
let provider: Provider;
before(async () => {
  sandbox = await startSandbox({ directory });
});
beforeEach(async () => {
  await provider?.[Symbol.asyncDispose]();
  provider = createWebPushProvider(readConfig(webPushVariables, sandbox.env), { clock: systemClock });
});
after(async () => {
  await provider[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const soon = () => AbortSignal.timeout(15_000);
const push = (name = "browser-1", over: Partial<OutboundDelivery> = {}) =>
  samplePush({ channel: "webpush", ...sandbox.webPushSubscription(name) }, over);
const arrived = (deliveryId: string) => sandbox.ledger.entries({ deliveryId });

test("the push service reads headers, and only the browser what is in it", async () => {
  const sent = push("browser-1", { priority: "low", collapseKey: "order-7", expiresAt: Date.now() + 3_600_900 });
  const outcome = await provider.send(sent, soon());
  assert.ok(outcome.kind === "accepted" && /^[\w-]{24}$/.test(outcome.providerRef), JSON.stringify(outcome));
  const [entry] = arrived(sent.deliveryId);
  const { ttl, urgency, topic, "content-encoding": encoding } = entry?.headers ?? {};
  assert.match(ttl ?? "", /^(35[89]\d|3600)$/, "about an hour");
  assert.deepEqual({ urgency, topic, encoding }, { urgency: "low", topic: "order-7", encoding: "aes128gcm" });
  assert.deepEqual(entry?.payload, {
    title: "Dinner",
    body: "is ready 🍲",
    data: { table: "7" },
    carillon: { delivery: sent.deliveryId, attempt: sent.attemptId },
  });
});

test("calls no host but those on the list", async () => {
  const elsewhere = createWebPushProvider(readConfig(webPushVariables, { ...sandbox.env, WEBPUSH_HOSTS: "web.push.apple.com" }), {
    clock: systemClock,
  });
  const sent = push();
  assert.deepEqual(await elsewhere.send(sent, soon()), { kind: "rejected", reason: "push-host-not-allowed" });
  await elsewhere[Symbol.asyncDispose]();
  assert.deepEqual(arrived(sent.deliveryId), []);
});

test("a push of just the size every service takes arrives, and one byte more does not leave", async () => {
  const bytes = (one: OutboundDelivery) =>
    pushPayloadBytes("webpush", one.content.push!, { delivery: one.deliveryId, attempt: one.attemptId });
  const full = pushOfBytes(push(), WEBPUSH_PLAINTEXT_BYTES_MAX, bytes);
  assert.equal((await provider.send(full, soon())).kind, "accepted");
  assert.equal(arrived(full.deliveryId)[0]?.headers["content-length"], "4096");
  const over = pushOfBytes(push(), WEBPUSH_PLAINTEXT_BYTES_MAX + 1, bytes);
  assert.deepEqual(await provider.send(over, soon()), { kind: "rejected", reason: "payload-too-large" });
  assert.deepEqual(arrived(over.deliveryId), []);
});

test("a key refused is ours to mend, unless the same service took it from us lately", async () => {
  const refused = () => provider.send(push("oldkey-1"), soon());
  assert.deepEqual(await refused(), { kind: "misconfigured", reason: "vapid-refused http-403" });
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
  assert.deepEqual(await refused(), { kind: "rejected", reason: "vapid-refused http-403" });
});

test("a subscription with keys nobody can encrypt to is gone, and nothing leaves", async () => {
  const sent = push();
  const endpoint = { ...sent.endpoint, p256dh: "AAAA" } as OutboundDelivery["endpoint"];
  assert.deepEqual(await provider.send({ ...sent, endpoint }, soon()), {
    kind: "endpoint-gone",
    reason: "subscription-keys",
    goneAt: undefined,
  });
  assert.deepEqual(arrived(sent.deliveryId), []);
});

test("keys of the right length that are no point on the curve are gone too", async () => {
  const sent = push();
  const endpoint = { ...sent.endpoint, p256dh: Buffer.alloc(65, 4).toString("base64url") } as OutboundDelivery["endpoint"];
  assert.equal((await provider.send({ ...sent, endpoint }, soon())).kind, "endpoint-gone");
});

test("VAPID keys that cannot be used are refused at once, without quoting them", () => {
  const config = { ...readConfig(webPushVariables, sandbox.env), WEBPUSH_VAPID_PRIVATE_KEY_FILE: "secret" };
  assert.throws(
    () => createWebPushProvider(config, { clock: systemClock }),
    (error: Error) => /RFC 8292/.test(error.message) && !/secret/.test(error.message),
  );
});

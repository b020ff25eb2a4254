import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { APNS_PAYLOAD_BYTES_MAX } from "../../core/limits.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { pushPayloadBytes } from "../../core/push-payload.ts";
import { systemClock } from "../../infra/clock.ts";
import { readConfig } from "../../infra/config.ts";
import { uuidOf } from "../../infra/hash.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { startLateLine } from "../../test/support/late-line.ts";
import { pushOfBytes, samplePush } from "../../test/support/push-samples.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-apns-wire-"));
let sandbox: Sandbox;
let provider: Provider;
before(async () => {
  sandbox = await startSandbox({ directory });
});
beforeEach(async () => {
  await provider?.[Symbol.asyncDispose]();
  provider = createApnsProvider(readConfig(apnsVariables, sandbox.env), { clock: systemClock });
});
after(async () => {
  await provider[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const soon = () => AbortSignal.timeout(15_000);
const endpoint = (end = "aa") => ({ channel: "apns" as const, token: `${"5a".repeat(20)}${end}` });
const arrived = (deliveryId: string) => sandbox.ledger.entries({ deliveryId });

test("what APNs is told about a push is in its headers", async () => {
  const push = samplePush(endpoint(), { priority: "normal", collapseKey: "order-7", expiresAt: 1_900_000_000_500 });
  const outcome = await provider.send(push, soon());
  const [entry] = arrived(push.deliveryId);
  const { headers = {}, payload } = entry ?? {};
  assert.deepEqual(outcome, { kind: "accepted", providerRef: uuidOf(push.attemptId) });
  assert.equal(headers["apns-id"], uuidOf(push.attemptId));
  assert.equal(headers["apns-topic"], sandbox.env.APNS_TOPIC);
  assert.equal(headers["apns-push-type"], "alert");
  assert.equal(headers["apns-priority"], "5");
  assert.equal(headers["apns-expiration"], "1900000000");
  assert.equal(headers["apns-collapse-id"], "order-7");
  assert.deepEqual(payload, {
    aps: { alert: { title: "Dinner", body: "is ready 🍲" } },
    data: { table: "7" },
    carillon: { delivery: push.deliveryId, attempt: push.attemptId },
  });
});

test("two attempts of a delivery have ids of their own", async () => {
  const first = samplePush(endpoint());
  const second = { ...first, attemptId: `${first.deliveryId}/2` };
  const refs = [await provider.send(first, soon()), await provider.send(second, soon())].map((o) => o.kind === "accepted" && o.providerRef);
  assert.equal(new Set(refs).size, 2);
});

test("a push of just the size APNs takes arrives, and one byte more does not leave", async () => {
  const bytes = (push: ReturnType<typeof samplePush>) =>
    pushPayloadBytes("apns", push.content.push!, { delivery: push.deliveryId, attempt: push.attemptId });
  const full = pushOfBytes(samplePush(endpoint()), APNS_PAYLOAD_BYTES_MAX, bytes);
  assert.equal((await provider.send(full, soon())).kind, "accepted");
  const over = pushOfBytes(samplePush(endpoint()), APNS_PAYLOAD_BYTES_MAX + 1, bytes);
  assert.deepEqual(await provider.send(over, soon()), { kind: "rejected", reason: "payload-too-large" });
  assert.deepEqual(arrived(over.deliveryId), []);
});

test("a bad device token is only called gone once the setup has proved right", async () => {
  const bad = () => samplePush(endpoint("bad0"));
  assert.deepEqual(await provider.send(bad(), soon()), { kind: "rejected", reason: "BadDeviceToken" });
  assert.equal((await provider.send(samplePush(endpoint()), soon())).kind, "accepted");
  assert.deepEqual(await provider.send(bad(), soon()), { kind: "endpoint-gone", reason: "BadDeviceToken", goneAt: undefined });
});

test("an unregistered device is gone since the time Apple names", async () => {
  const outcome = await provider.send(samplePush(endpoint("dead")), soon());
  assert.ok(outcome.kind === "endpoint-gone" && outcome.goneAt !== undefined && Math.abs(outcome.goneAt - Date.now()) < 60_000);
});

test("nobody knows what became of pushes on a connection that said GOAWAY after them; later ones find another", async () => {
  const push = samplePush(endpoint());
  sandbox.faults.order({ provider: "apns", match: push.deliveryId, do: { kind: "goaway" } });
  const outcome = await provider.send(push, soon());
  assert.equal(outcome.kind, "unanswered", JSON.stringify(outcome));
  assert.equal(arrived(push.deliveryId).length, 1);
  assert.equal((await provider.send(samplePush(endpoint()), soon())).kind, "accepted");
});

test("a stream the server refused was not processed, and only comes again by our own decision or once at HTTP/2's word", async () => {
  const push = samplePush(endpoint());
  const REFUSED_STREAM = 7;
  sandbox.faults.order({ provider: "apns", match: push.deliveryId, times: 2, do: { kind: "cut-before", code: REFUSED_STREAM } });
  assert.deepEqual(await provider.send(push, soon()), { kind: "unavailable", fault: { code: "refused-stream" } });
  assert.deepEqual(
    arrived(push.deliveryId).filter((entry) => entry.accepted),
    [],
  );
});

test("a push stopped at its deadline does not disturb its neighbours on the connection", async () => {
  assert.equal((await provider.send(samplePush(endpoint()), soon())).kind, "accepted");
  const stuck = samplePush(endpoint());
  sandbox.faults.order({ provider: "apns", match: stuck.deliveryId, do: { kind: "no-answer" } });
  const [late, ...neighbours] = await Promise.all([
    provider.send(stuck, AbortSignal.timeout(400)),
    ...Array.from({ length: 20 }, () => provider.send(samplePush(endpoint()), soon())),
  ]);
  assert.deepEqual(late, { kind: "unanswered", fault: { code: "deadline" } });
  for (const outcome of neighbours) assert.equal(outcome.kind, "accepted");
});

test("a push whose deadline passed before its connection was ready is not sent once it is", async () => {
  await using line = await startLateLine(sandbox.env.APNS_ORIGIN ?? "");
  const slow = createApnsProvider(readConfig(apnsVariables, { ...sandbox.env, APNS_ORIGIN: line.origin }), { clock: systemClock });
  const [late, next] = [samplePush(endpoint()), samplePush(endpoint())];
  assert.deepEqual(await slow.send(late, AbortSignal.timeout(100)), { kind: "unavailable", fault: { code: "deadline" } });
  await line.connected;
  const sending = slow.send(next, soon());
  line.open();
  assert.equal((await sending).kind, "accepted");
  await slow[Symbol.asyncDispose]();
  assert.deepEqual(arrived(late.deliveryId), []);
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { getApps } from "firebase-admin/app";
import { FCM_PAYLOAD_BYTES_MAX } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { pushPayloadBytes } from "../../core/push-payload.ts";
import { systemClock } from "../../infra/clock.ts";
import { readConfig } from "../../infra/config.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { startLateLine } from "../../test/support/late-line.ts";
import { pushOfBytes, samplePush } from "../../test/support/push-samples.ts";
import { TOKEN_FRESH_MS } from "./access-token.ts";
import { fcmVariables } from "./config.ts";
import { createFcmProvider } from "./provider.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-fcm-wire-"));
let sandbox: Sandbox;
let provider: Provider;
/** Real time, of which some may be skipped. */
let skippedMs = 0;
const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs };

before(async () => {
  sandbox = await startSandbox({ directory });
});
beforeEach(() => {
  provider = createFcmProvider(readConfig(fcmVariables, sandbox.env), { clock });
});
afterEach(() => provider[Symbol.asyncDispose]());
after(async () => {
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const soon = () => AbortSignal.timeout(15_000);
const push = (token = "device:1", over = {}) => samplePush({ channel: "fcm", token }, over);
const arrived = (deliveryId: string) => sandbox.ledger.entries({ deliveryId });

test("what FCM is told about a push is in its message", async () => {
  const sent = push("device:7", { collapseKey: "order-7", expiresAt: Date.now() + 3_600_900 });
  const outcome = await provider.send(sent, soon());
  const [entry] = arrived(sent.deliveryId);
  const ttl = /"ttl":"(35[89]\ds|3600s)"/.exec(JSON.stringify(entry?.payload))?.[1];
  assert.ok(ttl, "about an hour");
  assert.deepEqual(entry?.payload, {
    message: {
      token: "device:7",
      notification: { title: "Dinner", body: "is ready 🍲" },
      data: { table: "7", carillon_delivery: sent.deliveryId, carillon_attempt: sent.attemptId },
      android: { priority: "high", ttl, collapse_key: "order-7" },
    },
  });
  assert.match(outcome.kind === "accepted" ? outcome.providerRef : "", /^projects\/carillon-sandbox\/messages\/./);
});

test("many pushes share one access token", async () => {
  const issued = sandbox.accessTokensIssued();
  await Promise.all(Array.from({ length: 30 }, () => provider.send(push(), soon())));
  assert.equal(sandbox.accessTokensIssued(), issued + 1);
});

test("an access token is replaced five minutes before its end", async () => {
  const issued = sandbox.accessTokensIssued();
  await provider.send(push(), soon());
  skippedMs += 3_599_000 - 300_000 - 60_000;
  await provider.send(push(), soon());
  assert.equal(sandbox.accessTokensIssued(), issued + 1);
  skippedMs += 60_000;
  await provider.send(push(), soon());
  assert.equal(sandbox.accessTokensIssued(), issued + 2);
});

test("an old access token that is refused is replaced at the next push; a fresh one wakes a person", async () => {
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
  sandbox.revokeAccessTokens();
  skippedMs += TOKEN_FRESH_MS;
  assert.deepEqual(await provider.send(push(), soon()), { kind: "unavailable", fault: { code: "access-token-expired" } });
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
  sandbox.revokeAccessTokens();
  assert.deepEqual(await provider.send(push(), soon()), { kind: "misconfigured", reason: "UNAUTHENTICATED" });
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
});

test("a push whose deadline passed during the token exchange is not sent afterwards", async () => {
  sandbox.faults.order({ provider: "oauth", do: { kind: "delay", ms: 300 } });
  const late = push();
  assert.deepEqual(await provider.send(late, AbortSignal.timeout(50)), { kind: "unavailable", fault: { code: "deadline" } });
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
  assert.deepEqual(arrived(late.deliveryId), []);
});

test("a token exchange that fails sends nothing, and is shared for a moment", async () => {
  sandbox.faults.order({ provider: "oauth", do: { kind: "answer", status: 503, body: "" } });
  const pushes = [push(), push()];
  for (const one of pushes) assert.deepEqual(await provider.send(one, soon()), unavailable("token-http-503"));
  for (const one of pushes) assert.deepEqual(arrived(one.deliveryId), []);
  skippedMs += 5_000;
  sandbox.faults.order({ provider: "oauth", do: { kind: "cut-after" } });
  assert.deepEqual(await provider.send(push(), soon()), { kind: "unavailable", fault: { code: "reset" } });
  skippedMs += 5_000;
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
});
const unavailable = (code: string) => ({ kind: "unavailable", fault: { code }, retryAfterMs: undefined });

test("a mistyped project is not taken for a dead token", async () => {
  sandbox.faults.order({
    provider: "fcm",
    do: { kind: "answer", status: 404, body: { error: { code: 404, status: "NOT_FOUND", message: "Requested entity was not found." } } },
  });
  assert.deepEqual(await provider.send(push(), soon()), { kind: "misconfigured", reason: "project-not-found" });
});

test("a push of just the size FCM takes arrives, and one byte more does not leave", async () => {
  const bytes = (one: ReturnType<typeof push>) =>
    pushPayloadBytes("fcm", one.content.push!, { delivery: one.deliveryId, attempt: one.attemptId });
  const full = pushOfBytes(push(), FCM_PAYLOAD_BYTES_MAX, bytes);
  assert.equal((await provider.send(full, soon())).kind, "accepted");
  const over = pushOfBytes(push(), FCM_PAYLOAD_BYTES_MAX + 1, bytes);
  assert.deepEqual(await provider.send(over, soon()), { kind: "rejected", reason: "payload-too-large" });
  assert.deepEqual(arrived(over.deliveryId), []);
});

test("each provider is an app of its own, and takes it along", async () => {
  const apps = getApps().length;
  const other = createFcmProvider(readConfig(fcmVariables, sandbox.env), { clock });
  assert.equal(getApps().length, apps + 1);
  await other[Symbol.asyncDispose]();
  assert.equal(getApps().length, apps);
  assert.equal((await provider.send(push(), soon())).kind, "accepted");
});

test("a key file that cannot be used is refused at once, without quoting it", () => {
  const config = readConfig(fcmVariables, sandbox.env);
  const create = (json: string) => createFcmProvider({ ...config, FCM_SERVICE_ACCOUNT_FILE: json }, { clock });
  assert.throws(() => create("secret"), { message: "FCM_SERVICE_ACCOUNT_FILE holds no JSON object" });
  assert.throws(() => create('{"project_id":"p","client_email":"e"}'), { message: "FCM_SERVICE_ACCOUNT_FILE has no private_key" });
  assert.throws(() => create('{"project_id":"p","client_email":"e","private_key":"secret"}'), {
    message: "FCM_SERVICE_ACCOUNT_FILE's private_key is no RSA key in PEM",
  });
});

test("a push whose deadline passed before its connection was ready is not sent once it is", async () => {
  await using line = await startLateLine(sandbox.env.FCM_ORIGIN ?? "");
  const slow = createFcmProvider(readConfig(fcmVariables, { ...sandbox.env, FCM_ORIGIN: line.origin }), { clock });
  const [late, next] = [push(), push()];
  assert.deepEqual(await slow.send(late, AbortSignal.timeout(100)), { kind: "unavailable", fault: { code: "deadline" } });
  await line.connected;
  const sending = slow.send(next, soon());
  line.open();
  assert.equal((await sending).kind, "accepted");
  await slow[Symbol.asyncDispose]();
  assert.deepEqual(arrived(late.deliveryId), []);
});

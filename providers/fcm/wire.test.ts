import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { FCM_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { hostileData, pushOfBytes, samplePush } from "../../test/support/delivery-samples.ts";
import { startLateLine } from "../../test/support/late-line.ts";
import { withProvider } from "../../test/support/with-provider.ts";
import { TOKEN_FRESH_MS } from "./access-token.ts";
import { fcmVariables } from "./config.ts";
import { createFcmProvider } from "./provider.ts";

/** Real time with an adjustable offset. */
let skippedMs = 0;
const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs };
const wire = withProvider((env) => createFcmProvider(readConfig(fcmVariables, env), { clock }));
const { send, arrived } = wire;
const soon = () => AbortSignal.timeout(15_000);
const push = (token = "device:1", over = {}) => samplePush({ channel: "fcm", token }, over);

test("sends a push's properties to FCM in its message", async () => {
  const sent = push("device:7", { collapseKey: "order-7", expiresAt: Date.now() + 3_600_900 });
  const outcome = await send(sent);
  const [entry] = arrived(sent);
  const ttl = /"ttl":"(35[89]\ds|3600s)"/.exec(JSON.stringify(entry?.payload))?.[1];
  assert.ok(ttl, "about an hour");
  assert.deepEqual(entry?.payload, {
    message: {
      token: "device:7",
      notification: { title: "Dinner", body: "is ready 🍲" },
      data: { table: "7", carillon_delivery: sent.deliveryId, carillon_attempt: sent.attemptId },
      android: { priority: "high", ttl, collapse_key: "shop/order-7", notification: { tag: "shop/order-7", default_sound: true } },
      apns: {
        headers: {
          ...{ "apns-collapse-id": "shop/order-7", "apns-push-type": "alert", "apns-priority": "10" },
          "apns-expiration": String(Math.floor(sent.expiresAt / 1000)),
        },
        payload: { aps: { alert: { title: "Dinner", body: "is ready 🍲" }, sound: "default" }, data: { table: "7" } },
      },
      webpush: {
        headers: { Topic: "2e160fe9da2a2708f2045558c1a7483d", TTL: ttl.slice(0, -1), Urgency: "high" },
        notification: { tag: "shop/order-7" },
      },
    },
  });
  assert.match(outcome.kind === "accepted" ? outcome.providerRef : "", /^projects\/carillon-sandbox\/messages\/./);
});

test("an installation id is FCM's fid, and is answered as a token is", async () => {
  const to = (token: string) => samplePush({ channel: "fcm", token, kind: "installation" });
  const sent = to("cAb-_9012345678901234x");
  assert.equal((await send(sent)).kind, "accepted");
  const message = JSON.stringify(arrived(sent).map(({ payload }) => payload));
  assert.match(message, /^\[\{"message":\{"fid":"cAb-_9012345678901234x",/);
  assert.doesNotMatch(message, /"token"/);
  for (const [id, reason] of [
    ["c-unregistered", "UNREGISTERED"],
    ["c-invalid", "INVALID_ARGUMENT token"],
    ["c-mismatch", "SENDER_ID_MISMATCH"],
  ] as const)
    assert.deepEqual(await send(to(id)), { kind: "endpoint-gone", reason, goneAt: undefined });
});

test("many pushes share one access token", async () => {
  const issued = wire.sandbox.accessTokensIssued();
  await Promise.all(Array.from({ length: 30 }, () => send(push())));
  assert.equal(wire.sandbox.accessTokensIssued(), issued + 1);
});

test("an access token is replaced five minutes before its end", async () => {
  const issued = wire.sandbox.accessTokensIssued();
  await send(push());
  skippedMs += 3_599_000 - 300_000 - 60_000;
  await send(push());
  assert.equal(wire.sandbox.accessTokensIssued(), issued + 1);
  skippedMs += 60_000;
  await send(push());
  assert.equal(wire.sandbox.accessTokensIssued(), issued + 2);
});

test("an old access token that is rejected is replaced at the next push; rejection of a fresh one is misconfigured", async () => {
  assert.equal((await send(push())).kind, "accepted");
  wire.sandbox.revokeAccessTokens();
  skippedMs += TOKEN_FRESH_MS;
  assert.deepEqual(await send(push()), { kind: "unavailable", fault: { code: "access-token-expired" } });
  assert.equal((await send(push())).kind, "accepted");
  wire.sandbox.revokeAccessTokens();
  assert.deepEqual(await send(push()), { kind: "misconfigured", reason: "UNAUTHENTICATED" });
  assert.equal((await send(push())).kind, "accepted");
});

test("a push whose deadline passed during the token exchange is not sent afterwards", async () => {
  wire.sandbox.faults.order({ provider: "oauth", do: { kind: "delay", ms: 300 } });
  const late = push();
  assert.deepEqual(await send(late, 50), { kind: "unavailable", fault: { code: "deadline" } });
  assert.equal((await send(push())).kind, "accepted");
  assert.deepEqual(arrived(late), []);
});

test("a token exchange that fails sends nothing, and is shared for a moment", async () => {
  wire.sandbox.faults.order({ provider: "oauth", do: { kind: "answer", status: 503, body: "" } });
  const pushes = [push(), push()];
  for (const one of pushes) assert.deepEqual(await send(one), unavailable("token-http-503"));
  for (const one of pushes) assert.deepEqual(arrived(one), []);
  skippedMs += 5_000;
  wire.sandbox.faults.order({ provider: "oauth", do: { kind: "cut-after" } });
  assert.deepEqual(await send(push()), { kind: "unavailable", fault: { code: "reset" } });
  skippedMs += 5_000;
  assert.equal((await send(push())).kind, "accepted");
});
const unavailable = (code: string) => ({ kind: "unavailable", fault: { code }, retryAfterMs: undefined });

test("a mistyped project does not count as a dead token", async () => {
  wire.sandbox.faults.order({
    provider: "fcm",
    do: { kind: "answer", status: 404, body: { error: { code: 404, status: "NOT_FOUND", message: "Requested entity was not found." } } },
  });
  assert.deepEqual(await send(push()), { kind: "misconfigured", reason: "project-not-found" });
});

test("a push of the largest size FCM accepts arrives, and one byte more is not sent", async () => {
  const bytes = (one: ReturnType<typeof push>) =>
    pushPayloadBytes("fcm", one.content.push!, { delivery: one.deliveryId, attempt: one.attemptId });
  const full = pushOfBytes(push(), FCM_PAYLOAD_BYTES_MAX, bytes);
  assert.equal((await send(full)).kind, "accepted");
  const over = pushOfBytes(push(), FCM_PAYLOAD_BYTES_MAX + 1, bytes);
  assert.deepEqual(await send(over), { kind: "rejected", reason: "payload-too-large", notCalled: true });
  assert.deepEqual(arrived(over), []);
});

test("a key file that cannot be used is rejected at once, without quoting it", () => {
  const config = readConfig(fcmVariables, wire.sandbox.env);
  const create = (json: string) => createFcmProvider({ ...config, FCM_SERVICE_ACCOUNT_FILE: json }, { clock });
  assert.throws(() => create("secret"), { message: "FCM_SERVICE_ACCOUNT_FILE holds no JSON object" });
  assert.throws(() => create('{"project_id":"p","client_email":"e"}'), { message: "FCM_SERVICE_ACCOUNT_FILE has no private_key" });
  assert.throws(() => create('{"project_id":"p","client_email":"e","private_key":"secret"}'), {
    message: "FCM_SERVICE_ACCOUNT_FILE's private_key is no RSA key of 2048 bits or more in PEM",
  });
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "pem", type: "pkcs8" });
  assert.throws(() => create(JSON.stringify({ project_id: "p", client_email: "e", private_key: short })), /no RSA key of 2048 bits/);
});

test("a push whose deadline passed before its connection was ready is not sent once it is", async () => {
  await using line = await startLateLine(wire.sandbox.env.FCM_ORIGIN ?? "");
  const slow = createFcmProvider(readConfig(fcmVariables, { ...wire.sandbox.env, FCM_ORIGIN: line.origin }), { clock });
  const [late, next] = [push(), push()];
  const deadline = new AbortController();
  const stopped = slow.send(late, deadline.signal);
  await line.connected;
  deadline.abort(new DOMException("", "TimeoutError"));
  assert.deepEqual(await stopped, { kind: "unavailable", fault: { code: "deadline" } });
  const sending = slow.send(next, soon());
  line.open();
  assert.equal((await sending).kind, "accepted");
  await slow[Symbol.asyncDispose]();
  assert.deepEqual(arrived(late), []);
});

test("sends every key of data, whatever JavaScript means by it", async () => {
  const data = hostileData();
  const sent = push("device:hostile", { content: { push: { title: "t", body: "b", data } } });
  assert.equal((await send(sent)).kind, "accepted");
  const [entry] = arrived(sent);
  const written = (entry!.payload as { message: { data: object } }).message.data;
  for (const [key, value] of Object.entries(data)) assert.equal(Object.entries(written).find(([name]) => name === key)?.[1], value, key);
});

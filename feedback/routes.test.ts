import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { StoreError } from "../adapters/store/store-error.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import { mandrill } from "../providers/mandrill/webhook.ts";
import { twilio } from "../providers/twilio/webhook.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { STATE_LOG_MS } from "../runtime/state-log.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createFeedbackRoutes } from "./routes.ts";

const PUBLIC_URL = "https://hooks.example.com/in";
const SECRET = "secret";
const ACME_SECRET = "acme's secret";
const ATTEMPT = `${"ab".repeat(16)}-0/1`;

const noTexts = async () => assert.fail("nobody writes a text here");

/** Serves Twilio and Mandrill; their receipts are passed to `apply`. */
async function serve(apply: (receipts: readonly Receipt[]) => Promise<unknown>, inFlightMax?: number, secret = () => SECRET) {
  const lines: string[] = [];
  const log = createLogger("feedback", "debug", { write: (line) => lines.push(line) });
  const registry = createMetrics("feedback");
  const metrics = createFeedbackMetrics(registry);
  const keyOf = (_provider: string, account: string) => {
    const own = account === DEFAULT_ACCOUNT ? secret() : account === "acme" ? ACME_SECRET : undefined;
    return own === undefined ? undefined : { secret: own, settings: {} };
  };
  const clock = createFakeClock();
  const parts = { readers: [twilio, mandrill], keyOf, publicUrl: () => PUBLIC_URL, apply, takeText: noTexts, clock, log, metrics };
  const routes = createFeedbackRoutes(inFlightMax === undefined ? parts : { ...parts, inFlightMax });
  const server = await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, routes });
  const origin = `http://127.0.0.1:${server.port}`;
  const webhooks = async () => (await metrics.webhooks.get()).values.map(({ labels, value }) => ({ ...labels, value }));
  return { origin, port: server.port, lines, webhooks, clock, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

interface Callback {
  form?: Record<string, string>;
  attempt?: string;
  secret?: string;
  /** "" or "/" and an account. */
  account?: string;
}

/** What Twilio posts, signed for the public URL. */
function callback(
  origin: string,
  { form = { MessageStatus: "delivered" }, attempt = ATTEMPT, secret = SECRET, account = "" }: Callback = {},
) {
  const target = `/twilio${account}?${new URLSearchParams({ attempt })}`;
  const fields = Object.entries(form).sort().flat().join("");
  const signature = createHmac("sha1", secret).update(`${PUBLIC_URL}${target}${fields}`).digest("base64");
  return fetch(`${origin}${target}`, { method: "POST", headers: { "x-twilio-signature": signature }, body: new URLSearchParams(form) });
}

test("each account's webhook has a path and a secret of its own, and its receipts name the account", async () => {
  const applied: Receipt[] = [];
  await using feedback = await serve(async (receipts) => void applied.push(...receipts));
  const statusOf = async (given: Callback) => (await callback(feedback.origin, given)).status;
  assert.equal(await statusOf({ account: "/acme", secret: ACME_SECRET }), 200);
  assert.equal(await statusOf({}), 200);
  assert.deepEqual(
    applied.map(({ account }) => account),
    ["acme", DEFAULT_ACCOUNT],
  );
  assert.equal(await statusOf({ account: "/acme" }), 401, "the other account's secret");
  assert.equal(await statusOf({ secret: ACME_SECRET }), 401);
  for (const account of ["/other", "/acme/", "/"]) assert.equal(await statusOf({ account, secret: ACME_SECRET }), 404, account);
  assert.equal(applied.length, 2);
  assert.deepEqual(
    (await feedback.webhooks()).map(({ account, status, value }) => [account, status, value]),
    [
      ["acme", "200", 1],
      [DEFAULT_ACCOUNT, "200", 1],
      ["acme", "401", 1],
      [DEFAULT_ACCOUNT, "401", 1],
    ],
  );
});

test("answers 200 once the receipts are applied, and not before", async () => {
  const applying = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<readonly Receipt[]>();
  await using feedback = await serve((receipts) => {
    begun.resolve(receipts);
    return applying.promise;
  });
  let answered = false;
  const answer = callback(feedback.origin).then((response) => {
    answered = true;
    return response;
  });
  assert.deepEqual(
    (await begun.promise).map(({ attemptId, kind }) => ({ attemptId, kind })),
    [{ attemptId: ATTEMPT, kind: "delivered" }],
  );
  // A whole exchange with the same server later it is still not answered.
  await fetch(`${feedback.origin}/healthz`);
  assert.equal(answered, false);
  applying.resolve();
  assert.equal((await answer).status, 200);
  assert.deepEqual(await feedback.webhooks(), [{ provider: "twilio", account: DEFAULT_ACCOUNT, status: "200", value: 1 }]);
});

test("verifies with a new secret as soon as it is loaded, and no longer with the old one", async () => {
  let current = SECRET;
  await using feedback = await serve(
    async () => {},
    undefined,
    () => current,
  );
  assert.equal((await callback(feedback.origin)).status, 200);
  current = "rotated";
  assert.equal((await callback(feedback.origin)).status, 401);
  assert.equal((await callback(feedback.origin, { secret: "rotated" })).status, 200);
});

test("applies nothing that is signed wrong, is no webhook, or is not about an attempt of ours", async () => {
  const applied: unknown[] = [];
  await using feedback = await serve(async (receipts) => applied.push(receipts));
  assert.equal((await callback(feedback.origin, { secret: "other" })).status, 401);
  assert.equal((await fetch(`${feedback.origin}/twilio?attempt=${ATTEMPT}`, { method: "POST" })).status, 401);
  assert.equal((await callback(feedback.origin, { form: { Body: "STOP" } })).status, 400);
  assert.equal((await callback(feedback.origin, { attempt: "of another program" })).status, 200);
  assert.equal((await callback(feedback.origin, { form: { MessageStatus: "received" } })).status, 200);
  assert.deepEqual(applied, []);
});

test("answers 503 with Retry-After while the store is unavailable, logs it once, and accepts the repetition", async () => {
  let away = true;
  const applied: (readonly Receipt[])[] = [];
  await using feedback = await serve(async (receipts) => {
    if (away) throw new StoreError("the store is away", "ECONNREFUSED");
    applied.push(receipts);
  });
  for (let n = 0; n < 3; n += 1) {
    const rejected = await callback(feedback.origin);
    assert.equal(rejected.status, 503);
    assert.ok(Number(rejected.headers.get("retry-after")) > 0);
  }
  away = false;
  feedback.clock.advance(STATE_LOG_MS);
  assert.equal((await callback(feedback.origin)).status, 200);
  assert.equal((await callback(feedback.origin)).status, 200);
  assert.equal(applied.length, 2);
  assert.deepEqual(
    feedback.lines.map((line) => JSON.parse(line)).map(({ level, msg, err }) => [level, msg, err?.code]),
    [
      ["warn", "store unavailable: webhooks are answered 503, and providers repeat them", "ECONNREFUSED"],
      ["info", "store available again: webhooks are accepted", undefined],
    ],
  );
});

test("a bug is answered 500, is counted, and frees its slot", async () => {
  const faults = [new Error("a bug")];
  await using feedback = await serve(async () => {
    const fault = faults.pop();
    if (fault) throw fault;
  }, 1);
  assert.equal((await callback(feedback.origin)).status, 500);
  assert.equal((await callback(feedback.origin)).status, 200);
  assert.deepEqual(
    (await feedback.webhooks()).map(({ status }) => status),
    ["500", "200"],
  );
});

test("webhooks beyond the limit are answered 503, and accepted once others have ended", async () => {
  const applying = Promise.withResolvers<void>();
  const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = 0;
  await using feedback = await serve(() => {
    begun[count++]?.resolve();
    return applying.promise;
  }, 2);
  const under = [callback(feedback.origin), callback(feedback.origin)];
  await Promise.all(begun.map((b) => b.promise));
  const rejected = await callback(feedback.origin);
  assert.equal(rejected.status, 503);
  assert.ok(Number(rejected.headers.get("retry-after")) > 0);
  // What is not verified needs no place, and cannot take one.
  assert.equal((await callback(feedback.origin, { secret: "other" })).status, 401);
  applying.resolve();
  for (const answer of await Promise.all(under)) assert.equal(answer.status, 200);
  assert.equal((await callback(feedback.origin)).status, 200);
  assert.equal(count, 3);
});

test("rejects other paths, methods and sizes with their status", async () => {
  await using feedback = await serve(async () => {});
  const status = async (path: string, init?: RequestInit) => (await fetch(`${feedback.origin}${path}`, init)).status;
  assert.equal(await status("/sendgrid", { method: "POST", body: "[]" }), 404);
  assert.equal(await status("/"), 404);
  assert.equal(await status("/metrics"), 404);
  assert.equal(await status("/twilio"), 405);
  assert.equal(await status("/twilio", { method: "PUT", body: "x" }), 405);
  const headers = { "x-twilio-signature": Buffer.alloc(20).toString("base64") };
  assert.equal(await status("/twilio", { method: "POST", headers, body: "x".repeat(twilio.bodyBytesMax + 1) }), 413);
  // Nothing tells that a provider or an account exists but is not served.
  for (const path of ["/twilio/other", "/mandrill/other", "/vonage"])
    for (const method of ["GET", "POST", "PUT"]) assert.equal(await status(path, { method }), 404, `${method} ${path}`);
});

test("serves the public URL's path too, and verifies the public URL either way", async () => {
  const applied: Receipt[] = [];
  await using feedback = await serve(async (receipts) => void applied.push(...receipts));
  const body = new URLSearchParams({ MessageStatus: "delivered" });
  const query = `?${new URLSearchParams({ attempt: ATTEMPT })}`;
  for (const [account, secret] of [
    ["", SECRET],
    ["/acme", ACME_SECRET],
  ] as const) {
    const signature = createHmac("sha1", secret).update(`${PUBLIC_URL}/twilio${account}${query}MessageStatusdelivered`).digest("base64");
    const headers = { "x-twilio-signature": signature };
    const statusAt = async (path: string) =>
      (await fetch(`${feedback.origin}${path}${account}${query}`, { method: "POST", headers, body })).status;
    assert.deepEqual([await statusAt("/twilio"), await statusAt("/in/twilio"), await statusAt("/in/in/twilio")], [200, 200, 404]);
  }
  assert.equal(applied.length, 4);
});

test("a request cut off half way occupies no slot", async () => {
  await using feedback = await serve(async () => {}, 1);
  const socket = connect(feedback.port, "127.0.0.1");
  await once(socket, "connect");
  socket.end("POST /twilio HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nMessageStatus=");
  socket.resume();
  await once(socket, "close");
  assert.equal((await callback(feedback.origin)).status, 200);
});

test("Mandrill's probes are answered 200 without any key of ours", async () => {
  const applied: unknown[] = [];
  await using feedback = await serve(async (receipts) => applied.push(receipts));
  const probe = (method: string, body?: URLSearchParams) => fetch(`${feedback.origin}/mandrill`, body ? { method, body } : { method });
  assert.equal((await probe("HEAD")).status, 200);
  assert.equal((await probe("POST")).status, 200);
  assert.equal((await probe("POST", new URLSearchParams({ mandrill_events: "[]" }))).status, 200);
  assert.equal((await probe("POST", new URLSearchParams({ mandrill_events: '[{"event":"send"}]' }))).status, 401);
  assert.deepEqual(applied, []);
});

test("the log contains nothing of the webhooks' bodies", async () => {
  await using feedback = await serve(async () => {
    throw new StoreError("the store is away");
  });
  await callback(feedback.origin, { form: { MessageStatus: "sent", To: "+447700900123", Body: "Your code is 1234" } });
  await callback(feedback.origin, { form: { MessageStatus: "sent", To: "+447700900123" }, secret: "other" });
  assert.ok(feedback.lines.length > 0);
  for (const word of ["447700900123", "1234", SECRET]) assert.ok(!feedback.lines.join("").includes(word), word);
});

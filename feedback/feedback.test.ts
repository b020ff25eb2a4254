// The role as it runs, on a store of its own, with webhooks of the sandbox's providers about messages that were sent by bare HTTP.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import type { Delivery } from "../core/delivery/notification.ts";
import { type AttemptRecord, attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import type { Environment } from "../runtime/config.ts";
import type { RunningRole } from "../runtime/run.ts";
import type { WebhookAction } from "../sandbox/kit/faults.ts";
import type { Sandbox } from "../sandbox/main.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { startTestSandbox } from "../test/support/raw-client.ts";
import { sendMessage, WEBHOOK_PROVIDERS, type WebhookProvider } from "../test/support/webhook-sends.ts";
import { role } from "./main.ts";

const stack = new AsyncDisposableStack();
let sandbox: Sandbox;
let store: Store;
let env: Environment;
let feedback: RunningRole;
const target = (running = feedback) => `http://${running.addresses.webhooks}`;

before(async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-feedback-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  sandbox = stack.use(await startTestSandbox());
  const url = `sqlite:${join(directory, "carillon.sqlite")}`;
  store = stack.use(await openStore(url));
  const common = { LOG_LEVEL: "error", HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", STORE_URL: url };
  env = { ...sandbox.env, ...common, FEEDBACK_LISTEN: "127.0.0.1:0", FEEDBACK_URL: "http://127.0.0.1:0" };
  feedback = stack.use(await role.start(env));
  sandbox.webhooks.target(target());
});
afterEach(() => sandbox.faults.clear());
after(() => stack.disposeAsync());

let keys = 0;
/** A delivery whose first attempt is claimed, as it stands when the provider is called. */
async function claimed(provider: WebhookProvider, account?: string) {
  const n = sampleNotification(`key-${keys++}`, Date.now());
  await store.notifications.insert([n]);
  const deliveryId = n.deliveries[0]!.id;
  const id = attemptId(deliveryId, 1);
  const times = { startedAt: Date.now(), deadlineAt: Date.now() + 15_000 };
  await store.attempts.claim([{ id, deliveryId, number: 1, worker: "w", provider, account, ...times }]);
  const find = async (): Promise<{ delivery: Delivery; attempt: AttemptRecord }> => {
    const [notification, [attempt]] = await Promise.all([store.notifications.find(n.id), store.attempts.find([id])]);
    return { delivery: notification!.deliveries[0]!, attempt: attempt! };
  };
  return { id, find };
}

/** Sends one message; where the answer is cut off, that is ordered and no fault. */
async function send(provider: WebhookProvider, id: string, how?: Omit<WebhookAction, "kind">, isCut = false) {
  if (how) sandbox.faults.order({ provider, do: { kind: "webhooks", ...how } });
  if (isCut) sandbox.faults.order({ provider, do: { kind: "cut-after" } });
  const sent = sendMessage(sandbox, provider, { attemptId: id, target: target() });
  if (isCut) await assert.rejects(sent);
  else assert.ok((await sent).status < 300);
}

/** Receipts counted so far, by kind and result. */
async function counted(provider: string): Promise<Record<string, number>> {
  const text = await (await fetch(`http://${feedback.addresses.http}/metrics`)).text();
  const line = /^carillon_receipts_total\{provider="(\w+)",kind="(\w+)",result="(\w+)",[^}]*\} (\d+)$/gm;
  return Object.fromEntries([...text.matchAll(line)].filter((m) => m[1] === provider).map((m) => [`${m[2]} ${m[3]}`, Number(m[4])]));
}

for (const provider of WEBHOOK_PROVIDERS) {
  test(`${provider}: an attempt that got no answer is resolved by its receipt, and the delivery is delivered`, async () => {
    const { id, find } = await claimed(provider);
    await send(provider, id, undefined, true);
    await sandbox.webhooks.settled();
    const { delivery, attempt } = await find();
    assert.equal(delivery.state, "delivered");
    assert.ok((delivery.providerRef ?? "") !== "", "the provider's id is known");
    assert.deepEqual([attempt.resolution?.by, attempt.resolution?.outcome.kind], ["receipt", "accepted"]);
    assert.equal(attempt.resolution?.outcome.kind === "accepted" && attempt.resolution.outcome.providerRef, delivery.providerRef);
  });

  test(`${provider}: a receipt that arrives before the answer to the send counts`, async () => {
    const { id, find } = await claimed(provider);
    await send(provider, id, { early: true });
    assert.equal((await find()).delivery.state, "delivered");
  });

  test(`${provider}: receipts in duplicate and in reverse order have the same result`, async () => {
    const { id, find } = await claimed(provider);
    const before = await counted(provider);
    await send(provider, id, { twice: true, reversed: true });
    await sandbox.webhooks.settled();
    assert.equal((await find()).delivery.state, "delivered");
    const after = await counted(provider);
    const more = (key: string) => (after[key] ?? 0) - (before[key] ?? 0);
    assert.deepEqual([more("delivered applied"), more("delivered known"), more("accepted known"), more("accepted applied")], [1, 1, 2, 0]);
  });

  test(`${provider}: what did not arrive has failed, with the provider's code`, async () => {
    const codes: Record<WebhookProvider, string> = { twilio: "30005", vonage: "2", sendgrid: "blocked", mandrill: "soft_bounce" };
    const { id, find } = await claimed(provider);
    await send(provider, id, { undelivered: codes[provider] });
    await sandbox.webhooks.settled();
    const { delivery } = await find();
    assert.deepEqual([delivery.state, delivery.reason], ["failed", { code: "undelivered", detail: codes[provider] }]);
  });

  test(`${provider}: without webhooks nothing changes; one about an unknown attempt is acknowledged and counted`, async () => {
    const { id, find } = await claimed(provider);
    await send(provider, id, { never: true });
    const before = await counted(provider);
    await send(provider, `${"f".repeat(32)}-0/1`, { early: true });
    assert.deepEqual([(await find()).delivery.state, (await find()).attempt.resolution], ["pending", undefined]);
    const after = await counted(provider);
    for (const kind of ["accepted", "delivered"]) assert.equal((after[`${kind} unknown`] ?? 0) - (before[`${kind} unknown`] ?? 0), 1);
    assert.equal(sandbox.webhooks.state().givenUp, 0);
  });

  test(`${provider}: unsigned it changes nothing`, async () => {
    const response = await fetch(`${target()}/${provider}`, { method: "POST", body: "[]" });
    assert.equal(response.status, 401);
  });
}

test("webhooks sent while feedback is down arrive once it is up", async () => {
  const address = feedback.addresses.webhooks!;
  await feedback[Symbol.asyncDispose]();
  const { id, find } = await claimed("mandrill");
  const { repeated } = sandbox.webhooks.state();
  await send("mandrill", id, { early: true });
  assert.ok(sandbox.webhooks.state().repeated > repeated);
  assert.equal((await find()).delivery.state, "pending");
  feedback = stack.use(await role.start({ ...env, FEEDBACK_LISTEN: address }));
  await sandbox.webhooks.settled();
  assert.equal((await find()).delivery.state, "delivered");
});

test("a provider without its secret is not served", async () => {
  await using other = await role.start({
    ...env,
    TWILIO_AUTH_TOKEN_FILE: "",
    VONAGE_SIGNATURE_SECRET_FILE: "",
    MANDRILL_WEBHOOK_KEY_FILE: "",
  });
  const statuses = await Promise.all(
    WEBHOOK_PROVIDERS.map(async (provider) => (await fetch(`${target(other)}/${provider}`, { method: "POST" })).status),
  );
  assert.deepEqual(statuses, [404, 404, 401, 404]);
});

test("an account of the directory has its own path and secret, and its receipts count for its own attempts", async () => {
  const accounts = mkdtempSync(join(tmpdir(), "carillon-feedback-accounts-"));
  stack.defer(() => rmSync(accounts, { recursive: true, force: true }));
  mkdirSync(join(accounts, "twilio"));
  writeFileSync(join(accounts, "twilio/acme.token"), "acme's token");
  writeFileSync(join(accounts, "twilio/acme.json"), JSON.stringify({ TWILIO_AUTH_TOKEN_FILE: "acme.token" }));
  const url = "http://hooks.example.com";
  await using other = await role.start({ ...env, FEEDBACK_URL: url, PROVIDER_ACCOUNTS_DIR: accounts });
  const post = async (path: string, token: string, id: string) => {
    const to = `${path}?${new URLSearchParams({ attempt: id })}`;
    const signature = createHmac("sha1", token).update(`${url}${to}MessageStatusdelivered`).digest("base64");
    const body = new URLSearchParams({ MessageStatus: "delivered" });
    return (await fetch(`${target(other)}${to}`, { method: "POST", headers: { "x-twilio-signature": signature }, body })).status;
  };
  const ownToken = readFileSync(env.TWILIO_AUTH_TOKEN_FILE!, "utf8").trim();
  const acme = await claimed("twilio", "acme");
  const own = await claimed("twilio");
  assert.deepEqual(
    [
      await post("/twilio/acme", ownToken, acme.id),
      await post("/twilio", "acme's token", acme.id),
      await post("/twilio", ownToken, acme.id),
    ],
    [401, 401, 200],
    "neither secret is the other's, and what the other says of the attempt is acknowledged",
  );
  assert.equal((await acme.find()).delivery.state, "pending", "but changes nothing");
  assert.deepEqual([await post("/twilio/acme", "acme's token", acme.id), await post("/twilio", ownToken, own.id)], [200, 200]);
  assert.deepEqual([(await acme.find()).delivery.state, (await own.find()).delivery.state], ["delivered", "delivered"]);
});

test("it does not start where no signature could ever be verified", async () => {
  await assert.rejects(role.start({ ...env, FEEDBACK_URL: "" }), /FEEDBACK_URL: must be set/);
});

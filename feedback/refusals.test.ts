// The role as it runs: people's texts, and what providers say of those they send to, become blocks and choices.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import type { Block } from "../core/preferences/block.ts";
import { endpointSubject, OPT_OUTS_MAX, type OptOut, userSubject } from "../core/preferences/opt-out.ts";
import type { RunningRole } from "../runtime/run.ts";
import type { WebhookAction } from "../sandbox/kit/faults.ts";
import type { Sandbox } from "../sandbox/main.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { envOf, startTestSandbox } from "../test/support/raw-client.ts";
import { sendMessage, type WebhookProvider } from "../test/support/webhook-sends.ts";
import { role } from "./main.ts";

const stack = new AsyncDisposableStack();
let sandbox: Sandbox;
let store: Store;
let feedback: RunningRole;

before(async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-refusals-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  sandbox = stack.use(await startTestSandbox());
  const url = `sqlite:${join(directory, "carillon.sqlite")}`;
  store = stack.use(await openStore(url));
  await store.apps.change("app", () => ({ channels: ["sms", "email"], limits: {}, keys: [] }));
  const common = { LOG_LEVEL: "error", HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", STORE_URL: url, REDIS_URL: "redis://127.0.0.1:1" };
  const own = { FEEDBACK_LISTEN: "127.0.0.1:0", FEEDBACK_URL: "http://127.0.0.1:0", VONAGE_FROM: "12025550123" };
  const replies = { TWILIO_STOP_REPLY: "Bye", TWILIO_HELP_REPLY: "Call 123", TWILIO_SENDERS: "orders=+15005550077" };
  const confirmed = { VONAGE_STOP_REPLY: "수신거부 되었습니다", VONAGE_HELP_REPLY: "Call 123" };
  feedback = stack.use(await role.start({ ...sandbox.env, ...common, ...own, ...replies, ...confirmed }));
  sandbox.webhooks.target(target());
});
after(() => stack.disposeAsync());
const target = () => `http://${feedback.addresses.webhooks}`;

/** What the app keeps of an endpoint or a user. */
async function kept(of: Endpoint | string) {
  const subject = typeof of === "string" ? userSubject(of) : endpointSubject(endpointId(of));
  const [record] = await store.preferences.find("app", [subject]);
  return { blocks: record?.blocks ?? [], optOuts: record?.optOuts ?? [], consents: record?.consents ?? [] };
}
const phone = (phoneNumber: string): Endpoint => ({ channel: "sms", phoneNumber });
const poolsOf = (blocks: readonly Block[]) => blocks.map(({ kind, pool }) => `${kind} ${pool}`);

interface Told {
  answers: { status: number; body: string }[];
}
/** A person writes, through the sandbox's admin API. */
async function write(text: Record<string, unknown>): Promise<Told> {
  const answered = await fetch(`${sandbox.adminUrl}/texts`, { method: "POST", body: JSON.stringify(text) });
  assert.equal(answered.status, 200, await answered.clone().text());
  return (await answered.json()) as Told;
}

test("Twilio: STOP blocks the sender that was answered, is confirmed once, and START lifts it", async () => {
  const from = "+447700900101";
  const id = "1".repeat(32);
  const [first] = (await write({ provider: "twilio", from, text: "STOP", id })).answers;
  assert.deepEqual([first?.status, first?.body], [200, "<Response><Message>Bye</Message></Response>"]);
  assert.deepEqual(poolsOf((await kept(phone(from))).blocks), ["stop "]);
  const [again] = (await write({ provider: "twilio", from, text: "STOP", id })).answers;
  assert.deepEqual([again?.status, again?.body], [200, "<Response/>"]);
  await write({ provider: "twilio", from, to: "+15005550077", text: "unsubscribe" });
  assert.deepEqual(poolsOf((await kept(phone(from))).blocks).sort(), ["stop ", "stop orders"]);
  await write({ provider: "twilio", from, text: "Start" });
  assert.deepEqual(poolsOf((await kept(phone(from))).blocks), ["stop orders"]);
});

test("Twilio: what Advanced Opt-Out took for a STOP counts, and is not answered a second time", async () => {
  const from = "+447700900102";
  const [told] = (await write({ provider: "twilio", from, text: "basta", optOutType: "STOP", service: `MG${"b".repeat(32)}` })).answers;
  assert.equal(told?.body, "<Response/>");
  assert.deepEqual(poolsOf((await kept(phone(from))).blocks), ["stop "]);
});

test("Twilio: HELP is answered as configured, other texts are not", async () => {
  const from = "+447700900103";
  assert.match((await write({ provider: "twilio", from, text: "help" })).answers[0]!.body, /Call 123/);
  assert.equal((await write({ provider: "twilio", from, text: "When do you open?" })).answers[0]!.body, "<Response/>");
  assert.deepEqual((await kept(phone(from))).blocks, []);
});

test("Twilio: a sender that is not configured stops every sender", async () => {
  const from = "+447700900104";
  await write({ provider: "twilio", from, to: "+15005559999", text: "stop" });
  assert.deepEqual(poolsOf((await kept(phone(from))).blocks), ["stop undefined"]);
});

test("Vonage: STOP and HELP are answered by one text, also who is stopped, and by none who is blocked otherwise", async () => {
  const [from, blocked] = ["+447700900130", "+447700900131"];
  const block: Block[] = [{ kind: "manual", reason: "asked", source: "operator", at: 0 }];
  await store.preferences.update("app", endpointSubject(endpointId(phone(blocked))), { block, origin: {} }, 1);
  const textsTo = (recipient: string) => sandbox.ledger.entries({ provider: "vonage" }).filter((entry) => entry.recipient === recipient);
  const idOf = (n: number) => String(n).repeat(32);
  const say = (text: string, id: string, by = from) => write({ provider: "vonage", from: by, to: "12025550123", text, id });
  await say("HELP", idOf(1), blocked);
  await Promise.all([say("STOP", idOf(2)), say("STOP", idOf(2)), say("STOP", idOf(2))]);
  await say("START", idOf(3));
  await say("STOP", idOf(4));
  await say("help", idOf(5));
  await say("help", idOf(5));
  await sandbox.ledger.arrived({ provider: "vonage", accepted: true }, 3, 10_000);
  const payloads = textsTo(from).map(({ payload }) => payload as Record<string, unknown>);
  assert.deepEqual(payloads.map(({ from: sender, text, type }) => [sender, text, type]).sort(), [
    ["12025550123", "Call 123", "text"],
    ["12025550123", "수신거부 되었습니다", "unicode"],
    ["12025550123", "수신거부 되었습니다", "unicode"],
  ]);
  assert.deepEqual(textsTo(blocked), []);
});

test("Vonage: by POST and by GET; a long text that ends in stop is none", async () => {
  for (const [method, from] of [
    ["POST", "+447700900105"],
    ["GET", "+447700900106"],
  ]) {
    const told = await write({ provider: "vonage", from, to: "12025550123", text: "수신거부", method });
    assert.deepEqual(told.answers, [{ status: 200, body: "" }]);
    assert.deepEqual(poolsOf((await kept(phone(from!))).blocks), ["stop "]);
    await write({ provider: "vonage", from, to: "12025550123", text: "start", method });
    assert.deepEqual((await kept(phone(from!))).blocks, []);
    const parts = await write({ provider: "vonage", from, to: "12025550123", text: `${"a".repeat(306)}stop`, method });
    assert.deepEqual(
      parts.answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.deepEqual((await kept(phone(from!))).blocks, []);
  }
});

let keys = 0;
/** A message that was sent, and what the provider reports of it. */
async function reported(provider: WebhookProvider, how: Omit<WebhookAction, "kind">, over: Partial<NotificationRecord> = {}) {
  const isText = provider === "twilio" || provider === "vonage";
  const endpoint: Endpoint = isText ? phone(`+15551230${100 + keys}`) : { channel: "email", address: `ada${keys}@example.com` };
  const base = sampleNotification(`refused-${keys++}`, Date.now(), { recipient: { kind: "user", userId: `user-${keys}` }, ...over });
  const delivery = { ...base.deliveries[0]!, channel: endpoint.channel, endpoint };
  await store.notifications.insert([{ ...base, deliveries: [delivery] }]);
  const id = attemptId(delivery.id, 1);
  const times = { startedAt: Date.now(), deadlineAt: Date.now() + 15_000 };
  await store.attempts.claim([{ id, deliveryId: delivery.id, number: 1, worker: "w", provider, ...times }]);
  sandbox.faults.order({ provider, do: { kind: "webhooks", ...how } });
  const recipient = endpoint.channel === "sms" ? endpoint.phoneNumber : endpoint.channel === "email" ? endpoint.address : "";
  assert.ok((await sendMessage(sandbox, provider, { attemptId: id, target: target(), recipient })).status < 300);
  await sandbox.webhooks.settled();
  const after = (await store.notifications.find(base.id))!.deliveries[0]!;
  return { ...(await kept(endpoint)), user: await kept(`user-${keys}`), delivery: after, id };
}

/** The blocks of an endpoint without their times. */
const shown = (blocks: readonly Block[]) => blocks.map(({ at: _at, ...block }) => block);

test("a receipt with 21610 or err-code 9 is a STOP that was learned, and the delivery says so", async () => {
  const twilio = await reported("twilio", { undelivered: "21610" }, { content: { sms: { text: "hi", sender: "orders" } } });
  assert.deepEqual(shown(twilio.blocks), [{ kind: "stop", pool: "orders", reason: "21610", source: "twilio" }]);
  assert.deepEqual([twilio.delivery.state, twilio.delivery.reason], ["failed", { code: "stopped", detail: "21610" }]);
  const vonage = await reported("vonage", { undelivered: "9", twice: true });
  assert.deepEqual(shown(vonage.blocks), [{ kind: "stop", pool: "", reason: "9", source: "vonage" }]);
  assert.deepEqual([vonage.delivery.state, vonage.delivery.reason], ["failed", { code: "stopped", detail: "9" }]);
  const other = await reported("twilio", { undelivered: "30005" });
  assert.deepEqual(other.blocks, []);
});

const MAIL: [provider: WebhookProvider, how: Omit<WebhookAction, "kind">, block: Partial<Block>, reason: RegExp][] = [
  ["sendgrid", { later: "spamreport" }, { kind: "complaint", classes: ["marketing", "transactional"] }, /^spamreport$/],
  ["mandrill", { later: "spam", twice: true }, { kind: "complaint", classes: ["marketing", "transactional"] }, /^spam$/],
  ["sendgrid", { undelivered: "bounce" }, { kind: "bounce" }, /^550 5\.1\.1 The email account/],
  ["sendgrid", { undelivered: "dropped" }, { kind: "bounce" }, /^Bounced Address$/],
  ["mandrill", { undelivered: "hard_bounce" }, { kind: "bounce" }, /^smtp;550 5\.1\.1/],
];

for (const [provider, how, block, reason] of MAIL)
  test(`${provider}: ${how.later ?? how.undelivered} blocks the address as a ${block.kind}, in the provider's words`, async () => {
    const { blocks, delivery } = await reported(provider, how, { content: { email: { subject: "s", html: "", text: "t" } } });
    assert.equal(blocks.length, 1);
    assert.partialDeepStrictEqual(blocks[0], { ...block, source: provider });
    assert.match(blocks[0]!.reason, reason);
    if (block.kind === "complaint") assert.equal(delivery.state, "delivered");
    else assert.deepEqual([delivery.state, delivery.reason?.code], ["failed", "bounced"]);
  });

test("a bounce that comes after the delivery blocks, and is counted as late", async () => {
  for (const [provider, later] of [
    ["sendgrid", "bounce"],
    ["mandrill", "hard_bounce"],
  ] as const) {
    const { blocks, delivery } = await reported(provider, { later }, { content: { email: { subject: "s", html: "", text: "t" } } });
    assert.deepEqual([blocks[0]?.kind, delivery.state], ["bounce", "delivered"]);
    const metrics = await (await fetch(`http://${feedback.addresses.http}/metrics`)).text();
    const late = `carillon_learned_refusals_total{provider="${provider}",account="default",kind="bounce",state="delivered",result="changed",service="feedback"} 1`;
    assert.ok(
      metrics.includes(late),
      metrics
        .split("\n")
        .filter((line) => line.includes("learned"))
        .join("\n"),
    );
  }
});

test("a temporary rejection blocks nothing", async () => {
  assert.deepEqual((await reported("sendgrid", { undelivered: "blocked" })).blocks, []);
  assert.deepEqual((await reported("mandrill", { undelivered: "soft_bounce" })).blocks, []);
});

test("an unsubscription at the provider is the user's choice against the category, or the address's where it was given outright", async () => {
  const choice = [{ channel: "email", category: "orders" }];
  const group = await reported("sendgrid", { later: "group_unsubscribe" });
  assert.deepEqual([group.user.optOuts, group.optOuts, group.blocks], [choice, [], []]);
  const { address } = { address: `ada${keys}@example.com` };
  const recipient = { kind: "endpoint", endpoint: { channel: "email", address } } as const;
  const outright = await reported("mandrill", { later: "unsub" }, { recipient });
  assert.deepEqual([outright.user.optOuts, outright.optOuts], [[], choice]);
});

test("an unsubscription of who has as many choices as there may be refuses all e-mail, also what they consented to on every channel", async () => {
  const news: OptOut = { channel: "*", category: "news" };
  const subject = userSubject(`user-${keys + 1}`);
  const many = Array.from({ length: OPT_OUTS_MAX - 1 }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  await store.preferences.update("app", subject, { optOut: many, consent: [news], origin: {} }, Date.now());
  const { user } = await reported("sendgrid", { later: "group_unsubscribe" });
  assert.deepEqual([user.optOuts.at(-1), user.consents], [{ channel: "email", category: "*" }, []]);
});

test("who is stopped at Twilio is told so with the next send: the sandbox keeps its opt-outs", async () => {
  const from = "+447700900107";
  await write({ provider: "twilio", from, text: "STOP" });
  const sent = await sendMessage(sandbox, "twilio", { attemptId: "a/1", target: target(), recipient: from });
  assert.deepEqual([sent.status, (sent.json as { code: number }).code], [400, 21610]);
  await write({ provider: "twilio", from, to: envOf(sandbox, "TWILIO_FROM"), text: "unstop" });
  assert.equal((await sendMessage(sandbox, "twilio", { attemptId: "a/1", target: target(), recipient: from })).status, 201);
});

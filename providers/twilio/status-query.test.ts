import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { createSteadyClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { sampleSms } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { ask, describeStatusQueryContract } from "../../test/support/status-query-contract.ts";
import { sampleAttempt } from "../../test/support/store/samples.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { twilioVariables } from "./config.ts";
import { createTwilioProvider } from "./provider.ts";
import { type Attribute, attributed, candidates, type ListedMessage, MESSAGES_READ, mayHaveMore, settledMs } from "./status-query.ts";

const store = await openStore("sqlite::memory:");
after(() => store[Symbol.asyncDispose]());
const attribute: Attribute = (sid, attemptId) => store.attempts.attribute("twilio", sid, attemptId);
/** Queries at a time when all outcomes of calls made now are recorded. */
const later = createSteadyClock(() => Date.now() + settledMs(120_000));
const create = (env: Record<string, string>, clock: Clock = later) =>
  createTwilioProvider(readConfig(twilioVariables, env), { clock, attribute });
/** A different number each time. */
const sms = () => sampleSms({ phoneNumber: `+447${randomInt(1e8, 1e9 - 1)}1` });

describeStatusQueryContract({
  name: "twilio",
  create: (env) => create(env),
  delivery: sms,
  at: (origin, env) => ({ ...env, TWILIO_ORIGIN: origin }),
  wrongCredentials: (env) => withSecret(env, "TWILIO_AUTH_TOKEN_FILE", "0123456789abcdef0123456789abcdef"),
  throttled: {
    status: 429,
    body: { code: 20429, message: "words of Twilio's", more_info: "", status: 429 },
    headers: { "retry-after": "3" },
  },
  throttledMs: 3_000,
  empty: { messages: [], page: 0, next_page_uri: null },
  answers: [
    ["a list that is none", { status: 200, body: { messages: "none" } }, { kind: "unreadable", fault: { code: "bad-response" } }],
    ["an answer that is no JSON", { status: 200, body: "fine" }, { kind: "unreadable", fault: { code: "bad-response" } }],
  ],
  secrets: (env) => [readFileSync(env.TWILIO_AUTH_TOKEN_FILE ?? "", "utf8"), "words of Twilio's", "Basic "],
});

const ANSWERED_MS = 15_000;
const statusQuery = (provider: ReturnType<typeof create>, delivery: ReturnType<typeof sms>, startedAt = Date.now() - 1_000) =>
  ask(provider, delivery, ANSWERED_MS, startedAt);

/** Two deliveries with the same number and text. */
function twins(): [ReturnType<typeof sms>, ReturnType<typeof sms>] {
  const first = sms();
  return [first, { ...sms(), endpoint: first.endpoint }];
}
async function writeDown({ attemptId: id, deliveryId }: ReturnType<typeof sms>, outcome: Outcome): Promise<void> {
  await store.attempts.claim([sampleAttempt({ id, deliveryId })]);
  assert.deepEqual(await store.attempts.record([{ id, worker: undefined, outcome, answeredAt: Date.now() }]), [true]);
}

withSandbox("twilio's messages", (test) => {
  test("a message is no finding while a twin's outcome may not be recorded yet", async (sandbox) => {
    const clock = createFakeClock(Date.now());
    await using provider = create(sandbox.env, clock);
    const [lost, twin] = twins();
    const startedAt = clock.now();
    const queryStatusNow = () => statusQuery(provider, lost, startedAt);
    assert.deepEqual(await queryStatusNow(), { kind: "absent" });
    const outcome = await provider.send(twin, AbortSignal.timeout(ANSWERED_MS));
    clock.advance(settledMs(readConfig(twilioVariables, sandbox.env).PROVIDER_DEADLINE_MS) - 1);
    assert.deepEqual(await queryStatusNow(), { kind: "unreadable", fault: { code: "too-early" } });
    await writeDown(twin, outcome);
    clock.advance(1);
    assert.deepEqual(await queryStatusNow(), { kind: "absent" });
  });

  test("a message belongs to the twin whose outcome or receipt names it", async (sandbox) => {
    await using provider = create(sandbox.env);
    const [lost, answered] = twins();
    await writeDown(answered, await provider.send(answered, AbortSignal.timeout(ANSWERED_MS)));
    const received = { ...sms(), endpoint: lost.endpoint };
    const outcome = await provider.send(received, AbortSignal.timeout(ANSWERED_MS));
    await writeDown(received, { kind: "unanswered", fault: { code: "deadline" } });
    await store.attempts.resolve([{ id: received.attemptId, resolution: { outcome, by: "receipt", at: Date.now() } }]);
    assert.deepEqual(await statusQuery(provider, lost), { kind: "absent" });
    await provider.send(lost, AbortSignal.timeout(ANSWERED_MS));
    assert.equal((await statusQuery(provider, lost)).kind, "found");
  });

  test("of two identical attempts of which one was accepted, one is found", async (sandbox) => {
    await using provider = create(sandbox.env);
    const [lost, taken] = twins();
    await provider.send(taken, AbortSignal.timeout(ANSWERED_MS));
    const findings = await Promise.all([statusQuery(provider, lost), statusQuery(provider, taken)]);
    assert.deepEqual(findings.map(({ kind }) => kind).sort(), ["absent", "found"]);
  });

  test("of two identical attempts that were both accepted, each is found with a different message, also when queried again", async (sandbox) => {
    await using provider = create(sandbox.env);
    const [first, second] = twins();
    for (const one of [first, second]) await provider.send(one, AbortSignal.timeout(ANSWERED_MS));
    const findings = await Promise.all([statusQuery(provider, first), statusQuery(provider, second)]);
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ["found", "found"],
    );
    assert.notDeepEqual(findings[0], findings[1]);
    assert.deepEqual(await statusQuery(provider, first), findings[0]);
  });

  test("another text to the number, or the same one at another time, does not match", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sms();
    await provider.send({ ...delivery, content: { sms: { text: "Your code is 654321" } } }, AbortSignal.timeout(ANSWERED_MS));
    assert.deepEqual(await statusQuery(provider, delivery), { kind: "absent" });
    await provider.send(delivery, AbortSignal.timeout(ANSWERED_MS));
    assert.deepEqual(await statusQuery(provider, delivery, Date.now() + 60_000), { kind: "absent" });
    assert.deepEqual(await statusQuery(provider, delivery, Date.now() - 120_000), { kind: "absent" });
  });

  test("a message of a Messaging Service is found, with the text as it was sent", async (sandbox) => {
    await using provider = create({ ...sandbox.env, TWILIO_SENDERS: `otp=MG${"0a".repeat(16)},other=MG${"0b".repeat(16)}` });
    const plain = sms();
    const of = (sender: string) => ({ ...plain, content: { sms: { text: "\u201cReady\u201d", transliterate: true, sender } } });
    await provider.send(of("otp"), AbortSignal.timeout(ANSWERED_MS));
    assert.deepEqual(await statusQuery(provider, of("other")), { kind: "absent" });
    assert.equal((await statusQuery(provider, of("otp"))).kind, "found");
    assert.deepEqual(await statusQuery(provider, of("gone")), { kind: "unreadable", fault: { code: "unknown-sender" } });
  });

  test("a page full of newer messages is no proof of absence", async (sandbox) => {
    await using provider = create(sandbox.env);
    const delivery = sms();
    const others = { ...delivery, content: { sms: { text: "another" } } };
    await Promise.all(Array.from({ length: MESSAGES_READ + 1 }, () => provider.send(others, AbortSignal.timeout(ANSWERED_MS))));
    assert.deepEqual(await statusQuery(provider, delivery), { kind: "unreadable", fault: { code: "status-query-incomplete" } });
    assert.deepEqual(await statusQuery(provider, delivery, Date.now() + 60_000), { kind: "absent" });
  });
});

const STARTED = Date.UTC(2026, 10, 23, 12);
const delivery = sms();
const phoneNumber = delivery.endpoint.channel === "sms" ? delivery.endpoint.phoneNumber : "";
const question = { ...delivery, startedAt: STARTED };
const message = (over: Partial<ListedMessage> = {}): ListedMessage => ({
  sid: "SM1",
  body: "Your code is 123456",
  to: phoneNumber,
  from: "+15005550006",
  messagingServiceSid: null,
  direction: "outbound-api",
  status: "queued",
  dateCreated: new Date(STARTED + 1_000),
  ...over,
});
const setup = { from: "+15005550006", deadlineMs: 10_000 };

test("a candidate matches in number, sender, text, direction and time", () => {
  const others: Partial<ListedMessage>[] = [
    { to: "+447700900999" },
    { from: "+15005550007" },
    { body: "Your code is 123456 " },
    { direction: "inbound" },
    { dateCreated: undefined },
    { dateCreated: new Date(STARTED - 7_000) },
    { dateCreated: new Date(STARTED + 31_000) },
  ];
  for (const other of others) assert.deepEqual(candidates([message(other)], question, setup), [], JSON.stringify(other));
  const within = [message({ dateCreated: new Date(STARTED + 30_000) }), message({ dateCreated: new Date(STARTED - 6_000) })];
  assert.deepEqual(candidates(within, question, setup), [...within].reverse(), "oldest first");
});

test("a failure after acceptance is a warning", async () => {
  const always = { attribute: async () => true, isSettled: true };
  const warning = async (status: string) => {
    const finding = await attributed([message({ status })], question, always);
    return finding.kind === "found" && finding.outcome.kind === "accepted" ? finding.outcome.warning : finding;
  };
  assert.equal(await warning("delivered"), undefined);
  assert.equal(await warning("undelivered"), "status: undelivered");
  assert.equal(await warning("words from outside"), undefined);
});

test("when the message cannot be attributed, there is no finding", async () => {
  const away = { attribute: () => Promise.reject(new Error("store away")), isSettled: true };
  assert.deepEqual(await attributed([message()], question, away), { kind: "unreadable", fault: { code: "attribution-unknown" } });
});

test("with the default deadline all twins are recorded after 87 s, as the README says", () => {
  assert.equal(settledMs(readConfig(twilioVariables, {}).PROVIDER_DEADLINE_MS), 87_000);
});

test("there may be more messages only if the page's oldest one is newer than the attempt", () => {
  assert.equal(mayHaveMore([message()], true, question), true);
  assert.equal(mayHaveMore([message()], false, question), false);
  assert.equal(mayHaveMore([message(), message({ dateCreated: new Date(STARTED - 7_000) })], true, question), false);
});

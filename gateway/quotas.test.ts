// An app's rate: what takes from it, and what is answered beyond it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { createLogger } from "../runtime/logger.ts";
import { type AcceptWorld, errorOf, pushMessage, smsMessage as sms } from "../test/support/accept-world.ts";
import { appOf, many, reasons, useQuotaWorld } from "../test/support/quota-world.ts";
import { toAccepted } from "./answer.ts";

const quota = useQuotaWorld();
const { setUp } = quota;
let world: AcceptWorld;
beforeEach(() => {
  ({ world } = quota);
});
/** So slow that no token is added during a test. */
const slow = (burst: number) => appOf({ ratePerSecond: 0.02, burst });

test("beyond an app's rate each item is answered on its own, the more urgent classes first, and other apps are not affected", async () => {
  const { sendAs } = setUp();
  const results = await sendAs(slow(3), sms("m", { notificationClass: 3 }), ...many(3), sms("c", { notificationClass: 1 }));
  assert.deepEqual(reasons(results), ["RATE_LIMITED", "accepted", "accepted", "RATE_LIMITED", "accepted"]);
  const error = errorOf(results[0])!;
  assert.equal(error.code, "RESOURCE_EXHAUSTED");
  assert.ok((error.retryAfterMs ?? 0) > 50_000, "the time until a token is there");
  assert.deepEqual(error.quota, { subject: "app:app", description: "limit: 0.02 notifications per second" });
  assert.deepEqual(reasons(await sendAs(appOf({}, "other"), sms("x"))), ["accepted"]);
});

test("a repeated key gets its first answer at the limit, and uses up nothing of it", async () => {
  const { sendAs } = setUp();
  const app = slow(3);
  const [first] = await sendAs(app, sms("a"));
  assert.ok(first?.kind === "accepted");
  for (let i = 0; i < 10; i++) assert.deepEqual(reasons(await sendAs(app, sms("a"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("b"), sms("c"), sms("d"))), ["accepted", "accepted", "RATE_LIMITED"]);
  const [again] = await sendAs(app, sms("a"));
  assert.ok(again?.kind === "accepted" && again.repeatedKey);
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
  assert.equal(errorOf((await sendAs(app, sms("a", { category: "other" })))[0])?.reason, "KEY_REUSED");
});

test("a key repeated without end counts against the rate", async () => {
  const { sendAs } = setUp();
  const app = slow(50);
  const repeat = async (n: number) => new Set(reasons(await sendAs(app, ...Array.from({ length: n }, () => sms("a")))));
  await sendAs(app, sms("a"));
  for (let i = 0; i < 5; i++) assert.deepEqual(await repeat(40), new Set(["accepted"]));
  assert.deepEqual(await repeat(49), new Set(["accepted"]), "these use up the rate");
  assert.deepEqual(reasons(await sendAs(app, sms("new"))), ["RATE_LIMITED"]);
  world.clock.advance(10_000);
  assert.deepEqual(await repeat(1), new Set(["accepted"]), "and get their answer at the limit");
});

test("what is beyond the limit is not even checked, but for a bounded number of repeated keys", async () => {
  const { accepting } = setUp();
  const checked = new Set<string>();
  const items = Array.from({ length: 1_000 }, (_, i) => {
    const message = sms(`n${i}`);
    const { content } = message;
    Object.defineProperty(message, "content", { get: () => checked.add(message.idempotencyKey) && content });
    return { message, path: `notifications[${i}]`, violations: [] };
  });
  const results = await accepting.accept(slow(3), items);
  assert.equal(results.filter(({ kind }) => kind === "accepted").length, 3);
  assert.equal(checked.size, 203);
});

test("what breaks a rule uses up the rate, after what does not name its class", async () => {
  const { sendAs } = setUp();
  const results = await sendAs(slow(3), sms("a", { notificationClass: 0 }), sms("b", { category: "No Category" }), ...many(3));
  assert.deepEqual(reasons(results), ["INVALID_FIELD", "INVALID_FIELD", "accepted", "accepted", "RATE_LIMITED"]);
  assert.deepEqual(reasons(await sendAs(slow(3), sms("c", { category: "No Category" }), sms("d"))), ["INVALID_FIELD", "RATE_LIMITED"]);
});

test("what is beyond the limit is rejected before anything is read for it", async () => {
  const { store } = world;
  const contacts = { ...store.contacts, list: () => assert.fail("contacts are read") };
  const { sendAs } = setUp({ contacts });
  await sendAs(slow(1), sms("a"));
  assert.deepEqual(reasons(await sendAs(slow(1), pushMessage("p", "ann"))), ["RATE_LIMITED"]);
});

test("a notification to many endpoints uses up as much of the rate as it costs", async () => {
  const { store, clock } = world;
  for (let i = 0; i < 100; i++)
    await store.contacts.register({
      ...{ app: "app", userId: "many", endpointId: `${i}`.padStart(32, "0"), registeredAt: clock.now() },
      endpoint: { channel: "fcm", token: `${i}`.padEnd(4_000, "x") },
    });
  const { sendAs } = setUp();
  assert.deepEqual(reasons(await sendAs(slow(20), pushMessage("p", "many"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(slow(20), sms("a"))), ["RATE_LIMITED"]);
});

test("a notification to an address uses up as much of the rate as its owners cost", async () => {
  const { store, clock } = world;
  const endpoint = { channel: "sms", phoneNumber: "+4915112345678" } as const;
  for (let i = 0; i < 100; i++)
    await store.contacts.register({ app: "app", userId: `u${i}`, endpointId: endpointId(endpoint), endpoint, registeredAt: clock.now() });
  const { sendAs } = setUp();
  assert.deepEqual(reasons(await sendAs(slow(10), sms("a"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(slow(10), sms("b"))), ["RATE_LIMITED"]);
});

test("an operator sees which app is at which limit, once in a while", async () => {
  const lines: string[] = [];
  const own = createLogger("test", "info", { write: (line: string) => void lines.push(line) });
  const { sendAs } = setUp({ log: own });
  await sendAs(slow(1), ...many(300));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /"app":"app:app".*"reason":"RATE_LIMITED"/);
});

test("what is read for and then rejected keeps its part of the rate, and uses up no room", async () => {
  const app = appOf({ ...slow(6).limits, smsPrefixes: ["+49"], openMax: 1 });
  const { store, clock } = world;
  const endpoint = { channel: "sms", phoneNumber: "+19005550123" } as const;
  await store.contacts.register({ app: "app", userId: "ann", endpointId: "0".repeat(32), endpoint, registeredAt: clock.now() });
  const { sendAs } = setUp();
  const toAnn = (key: string) => sms(key, { recipient: { to: { $case: "userId", value: "ann" } } });
  for (let i = 0; i < 4; i++) assert.deepEqual(reasons(await sendAs(app, toAnn(`a${i}`))), ["DESTINATION_NOT_ALLOWED"]);
  assert.deepEqual(reasons(await sendAs(app, sms("b"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(app, toAnn("c"))), ["OPEN_LIMIT"]);
});

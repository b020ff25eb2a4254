import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { createAppRates } from "../adapters/redis/app-rates.ts";
import { connectRedis, type RedisConnection } from "../adapters/redis/connect.ts";
import { createDayCounters } from "../adapters/redis/day-counters.ts";
import type { AppRecord } from "../core/apps/app.ts";
import type { AppLimits } from "../core/apps/limits.ts";
import { createOwnReading } from "../core/ports/shared-reading.ts";
import type { QuotaDefaults } from "../core/quotas/app-quota.ts";
import { isCallError } from "../runtime/call-error.ts";
import { createLogger } from "../runtime/logger.ts";
import {
  type AcceptSetting,
  type AcceptWorld,
  CALLING_APP,
  createAcceptWorld,
  errorOf,
  silentLog as log,
  pushMessage,
  smsMessage as sms,
} from "../test/support/accept-world.ts";
import { startRedis } from "../test/support/servers.ts";
import { toAccepted } from "./answer.ts";
import { createAppOpen } from "./app-open.ts";
import { createContactHandlers } from "./contact-handlers.ts";
import { OPEN_WITHIN_MS } from "./load.ts";
import { createQuotas } from "./quotas.ts";

const DEFAULTS: QuotaDefaults = { ratePerSecond: 2_000, burst: 20_000, openMax: 1_000, scheduledMax: 1_000, smsDailyMax: 1_000 };
const DAY_MS = 86_400_000;
let server: Awaited<ReturnType<typeof startRedis>>;
let redis: RedisConnection;
let world: AcceptWorld;

before(async () => {
  server = await startRedis();
  redis = await connectRedis(server.url, { log });
});
after(async () => {
  await redis[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async (t) => {
  await redis.flushall();
  world = await createAcceptWorld();
  const { store } = world;
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
});

/** A gateway with quotas, as main.ts wires it. */
function setUp(setting: AcceptSetting = {}) {
  const { clock, store } = world;
  const quotas = createQuotas({
    rates: createAppRates(redis, { clock, pods: () => 1 }),
    days: createDayCounters(redis, { clock, pods: () => 1 }),
    open: createAppOpen(store.notifications, { clock, log, read: createOwnReading(clock) }),
    ...{ defaults: DEFAULTS, clock },
  });
  return world.setUp({ ...setting, quotas, openMax: 100_000 });
}
const appOf = (limits: AppLimits, id = "app"): AppRecord => ({ ...CALLING_APP, id, limits });
/** So slow that no token is added during a test. */
const slow = (burst: number) => appOf({ ratePerSecond: 0.02, burst });
const many = (n: number, over: Parameters<typeof sms>[1] = {}, name = "n") => Array.from({ length: n }, (_, i) => sms(`${name}${i}`, over));
const reasons = (results: Awaited<ReturnType<ReturnType<typeof setUp>["send"]>>) => results.map((r) => errorOf(r)?.reason ?? "accepted");

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

test("an app may send only in its classes", async () => {
  const { sendAs } = setUp();
  const app = appOf({ classes: ["marketing", "transactional"] });
  const results = await sendAs(app, sms("a"), sms("c", { notificationClass: 1 }));
  assert.deepEqual(reasons(results), ["accepted", "CLASS_NOT_ENABLED"]);
  const { code, fields } = errorOf(results[1])!;
  assert.deepEqual([code, fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[1].notification_class"]);
});

test("an app may have so many scheduled and so many open, also after the gateway was started again", async () => {
  const { clock } = world;
  const app = appOf({ scheduledMax: 3, openMax: 2 });
  const sendAt = new Date(clock.now() + 30 * DAY_MS);
  const { sendAs } = setUp();
  const results = await sendAs(app, ...many(4, { sendAt }, "s"), ...many(3));
  const expected = [...["accepted", "accepted", "accepted", "SCHEDULED_LIMIT"], ...["accepted", "accepted", "OPEN_LIMIT"]];
  assert.deepEqual(reasons(results), expected);
  assert.equal(errorOf(results[3])?.quota?.description, "limit: 3 scheduled notifications");
  assert.ok((errorOf(results[3])?.retryAfterMs ?? 0) > 0);
  assert.deepEqual(reasons(await setUp().sendAs(app, sms("t", { sendAt }), sms("u"))), ["SCHEDULED_LIMIT", "OPEN_LIMIT"]);
  assert.deepEqual(reasons(await sendAs(appOf({}, "other"), sms("t", { sendAt }), sms("u"))), ["accepted", "accepted"]);
});

test("what is scheduled takes no room from what is open, and the other way round, also in a gateway that was started since", async () => {
  const sendAt = new Date(world.clock.now() + 30 * DAY_MS);
  const app = appOf({ scheduledMax: 3, openMax: 2 });
  const { sendAs } = setUp();
  assert.deepEqual(reasons(await sendAs(app, ...many(3, { sendAt }, "s"))), ["accepted", "accepted", "accepted"]);
  assert.deepEqual(reasons(await setUp().sendAs(app, ...many(3))), ["accepted", "accepted", "OPEN_LIMIT"]);
  const planner = appOf({ scheduledMax: 1, openMax: 2 }, "planner");
  assert.deepEqual(reasons(await sendAs(planner, ...many(2))), ["accepted", "accepted"]);
  assert.deepEqual(reasons(await setUp().sendAs(planner, ...many(2, { sendAt }, "s"))), ["accepted", "SCHEDULED_LIMIT"]);
});

test("what is due within the time that the store counts as open is open", async () => {
  const { clock } = world;
  const later = (ms: number) => ({ sendAt: new Date(clock.now() + ms) });
  const { sendAs } = setUp();
  const app = appOf({ openMax: 2, scheduledMax: 1 });
  const [first, third] = [sms("a", later(1_000)), sms("c", later(1_000))];
  const results = await sendAs(app, first, sms("b", later(OPEN_WITHIN_MS)), third, sms("d", later(OPEN_WITHIN_MS + 1)));
  assert.deepEqual(reasons(results), ["accepted", "accepted", "OPEN_LIMIT", "accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("e", later(OPEN_WITHIN_MS + 1)))), ["SCHEDULED_LIMIT"]);
  const calling = readFileSync(new URL("../docs/calling.md", import.meta.url), "utf8");
  assert.match(calling, new RegExp(`due within ${OPEN_WITHIN_MS / 60_000} minutes;`));
});

test("what was counted as scheduled or open is given back as that, however late", async () => {
  const { store, clock } = world;
  const contacts: typeof store.contacts = {
    ...store.contacts,
    async list(app, users) {
      clock.advance(5_000);
      return store.contacts.list(app, users);
    },
  };
  const endpoint = { channel: "sms", phoneNumber: "+19005550123" } as const;
  await store.contacts.register({ app: "app", userId: "ann", endpointId: "0".repeat(32), endpoint, registeredAt: clock.now() });
  const { sendAs } = setUp({ contacts });
  const app = appOf({ openMax: 1, scheduledMax: 1, smsPrefixes: ["+49"] });
  for (const [i, aheadMs] of [0, 0, 0, OPEN_WITHIN_MS, OPEN_WITHIN_MS].entries()) {
    const key = `n${i}`;
    const sendAt = new Date(clock.now() + aheadMs + 1_000);
    const results = await sendAs(app, sms(key, { sendAt, recipient: { to: { $case: "userId", value: "ann" } } }));
    assert.deepEqual(reasons(results), ["DESTINATION_NOT_ALLOWED"]);
  }
});

test("calls that wait for the first count of their app share the room it finds", async () => {
  const { sendAs } = setUp();
  const calls = Array.from({ length: 20 }, (_, i) => sendAs(appOf({ openMax: 5 }), sms(`n${i}`)));
  const results = (await Promise.all(calls)).flat();
  assert.equal(results.filter(({ kind }) => kind === "accepted").length, 5);
});

test("a repeated key uses up no room for open and scheduled ones", async () => {
  const sendAt = new Date(world.clock.now() + 30 * DAY_MS);
  const app = appOf({ scheduledMax: 2, openMax: 2 });
  const { sendAs } = setUp();
  for (let i = 0; i < 5; i++) assert.deepEqual(reasons(await sendAs(app, sms("s", { sendAt }), sms("o"))), ["accepted", "accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("s2", { sendAt }), sms("o2"))), ["accepted", "accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("s3", { sendAt }), sms("s", { sendAt }))), ["SCHEDULED_LIMIT", "accepted"]);
});

test("an app has so many deliveries per channel, class and day", async () => {
  const { clock } = world;
  const { sendAs } = setUp();
  const app = appOf({ dailyMax: { sms: { transactional: 3, critical: 1 } } });
  const results = await sendAs(app, ...many(5));
  assert.deepEqual(reasons(results).toSorted(), ["DAILY_LIMIT", "DAILY_LIMIT", "accepted", "accepted", "accepted"]);
  const error = results.map(errorOf).find((e) => e?.reason === "DAILY_LIMIT")!;
  assert.equal(error.code, "RESOURCE_EXHAUSTED");
  assert.equal(error.retryAfterMs, DAY_MS - (clock.now() % DAY_MS));
  assert.match(error.quota!.description, /3 deliveries of sms\/transactional per day/);
  assert.deepEqual(reasons(await sendAs(app, sms("c", { notificationClass: 1 }), sms("d", { notificationClass: 1 }))).toSorted(), [
    "DAILY_LIMIT",
    "accepted",
  ]);
  const accepted = many(5).filter((_, i) => results[i]?.kind === "accepted");
  assert.deepEqual(reasons(await sendAs(app, ...accepted)), ["accepted", "accepted", "accepted"]);
  clock.advance(DAY_MS);
  assert.deepEqual(reasons(await sendAs(app, ...many(3, {}, "next"))), ["accepted", "accepted", "accepted"]);
});

test("a day's ceiling is that of the day a notification is sent on", async () => {
  const { clock } = world;
  const { sendAs } = setUp();
  const app = appOf({ dailyMax: { sms: { transactional: 3 } } });
  const tomorrow = { sendAt: new Date(clock.now() + DAY_MS) };
  const all = ["accepted", "accepted", "accepted"];
  assert.deepEqual(reasons(await sendAs(app, ...many(3, tomorrow, "t"))), all);
  const [late] = await sendAs(app, sms("t3", tomorrow));
  assert.equal(errorOf(late)?.reason, "DAILY_LIMIT");
  assert.equal(errorOf(late)?.retryAfterMs, 2 * DAY_MS - (clock.now() % DAY_MS));
  assert.match(errorOf(late)!.quota!.description, /reached for 2026-01-06$/);
  assert.deepEqual(reasons(await sendAs(app, ...many(3))), all, "today is another day");
  clock.advance(DAY_MS);
  assert.deepEqual(reasons(await sendAs(app, sms("now"))), ["DAILY_LIMIT"]);
});

test("a repeated key uses up nothing of a day", async () => {
  const app = appOf({ dailyMax: { sms: { transactional: 2 } } });
  const { sendAs } = setUp();
  for (let i = 0; i < 5; i++) assert.deepEqual(reasons(await sendAs(app, sms("a"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("b"))), ["accepted"]);
  assert.deepEqual(reasons(await sendAs(app, sms("c"))), ["DAILY_LIMIT"]);
});

test("SMS have a ceiling without any setting", async () => {
  const { sendAs } = setUp();
  await sendAs(appOf({}), ...many(600));
  const results = await sendAs(appOf({}), ...many(401, {}, "more"));
  assert.deepEqual([results.filter((r) => r.kind === "accepted").length, results.length], [400, 401]);
});

test("SMS go only to the numbers that an app may send to, never to premium-rate or satellite numbers unless named", async () => {
  const { store, clock } = world;
  const { sendAs } = setUp({ smsPrefixes: ["+49", "+1"] });
  const to = (phoneNumber: string) =>
    sms(phoneNumber, { recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: phoneNumber } } } } });
  const numbers = ["+4915112345678", "+33612345678", "+19005550123", "+12025550123", "+881612345678", "+883510012345", "+97912345678"];
  const [ok, barred] = ["accepted", "DESTINATION_NOT_ALLOWED"];
  assert.deepEqual(reasons(await sendAs(appOf({}), ...numbers.map(to))), [ok, barred, barred, ok, barred, barred, barred]);
  const own = appOf({ smsPrefixes: ["+33", "+1900"] }, "own");
  assert.deepEqual(reasons(await sendAs(own, ...numbers.map(to))), [barred, ok, ok, barred, barred, barred, barred]);
  assert.deepEqual(reasons(await sendAs(appOf({ smsPrefixes: [] }, "none"), to(numbers[0]!))), [barred]);
  const error = errorOf((await sendAs(appOf({}), to("+33612345678")))[0]);
  assert.deepEqual([error?.code, error?.fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[0].recipient.endpoint.phone_number"]);

  const handlers = createContactHandlers({ contacts: store.contacts, pushHosts: [], smsPrefixes: ["+49"], clock });
  const context = { caller: appOf({}), signal: new AbortController().signal, deadlineAt: 0, traceparent: undefined };
  const register = (value: string) =>
    handlers.registerContact({ userId: "ann", endpoint: { address: { $case: "phoneNumber", value } } }, context);
  const rejected = await register("+19005550123");
  assert.ok(isCallError(rejected) && rejected.reason === "DESTINATION_NOT_ALLOWED");
  for (const zero of ["+4409098790000", "+490900123456"])
    assert.deepEqual(reasons(await sendAs(appOf({ smsPrefixes: ["+44", "+49"] }), to(zero))), [barred], "the 0 is not dialled");
  assert.ok(!isCallError(await register("+4915112345678")));
});

test("a registered number that is not allowed any more gets no SMS; the recipient's other endpoints get theirs", async () => {
  const { store, clock } = world;
  const { sendAs } = setUp({ smsPrefixes: ["+49"] });
  const register = (userId: string, phoneNumber: string) => {
    const endpointId = phoneNumber.slice(1).padStart(32, "0");
    return store.contacts.register({
      app: "app",
      userId,
      endpointId,
      endpoint: { channel: "sms", phoneNumber },
      registeredAt: clock.now(),
    });
  };
  await register("ann", "+19005550123");
  await register("bob", "+19005550124");
  await register("bob", "+4915112345678");
  const to = (value: string) => sms(value, { recipient: { to: { $case: "userId", value } } });
  const [ann, bob] = await sendAs(appOf({}), to("ann"), to("bob"));
  assert.deepEqual([errorOf(ann)?.reason, errorOf(ann)?.code], ["DESTINATION_NOT_ALLOWED", "FAILED_PRECONDITION"]);
  assert.ok(bob?.kind === "accepted");
  assert.deepEqual(bob.record.deliveries.map(({ state, reason, endpoint }) => [state, reason?.code, endpoint !== undefined]).toSorted(), [
    ["pending", undefined, true],
    ["suppressed", "no-endpoint", false],
  ]);
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

test("a key that was accepted gets its first answer also after its app lost the class, the channel or the country", async () => {
  const { sendAs } = setUp();
  const [first] = await sendAs(appOf({}), sms("a"));
  assert.ok(first?.kind === "accepted");
  for (const now of [appOf({ classes: ["marketing"] }), { ...appOf({}), channels: ["email" as const] }, appOf({ smsPrefixes: [] })]) {
    const [again] = await sendAs(now, sms("a"));
    assert.ok(again?.kind === "accepted" && again.repeatedKey);
    assert.equal((await sendAs(now, sms("new")))[0]?.kind, "rejected");
  }
});

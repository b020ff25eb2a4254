// What an app may have open and scheduled, and send in a day.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { type AcceptWorld, errorOf, smsMessage as sms } from "../test/support/accept-world.ts";
import { appOf, DAY_MS, many, reasons, useQuotaWorld } from "../test/support/quota-world.ts";
import { OPEN_WITHIN_MS } from "./load.ts";

const quota = useQuotaWorld();
const { setUp } = quota;
let world: AcceptWorld;
beforeEach(() => {
  ({ world } = quota);
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

test("what is only validated uses up no room and nothing of a day", async () => {
  const app = appOf({ openMax: 1, dailyMax: { sms: { transactional: 1 } } });
  const { accepting, sendAs } = setUp();
  for (let i = 0; i < 5; i++) {
    const item = { message: sms(`v${i}`), path: "notification", violations: [], validateOnly: true };
    assert.deepEqual(reasons(await accepting.accept(app, [item])), ["accepted"]);
  }
  assert.deepEqual(reasons(await sendAs(app, sms("a"))), ["accepted"]);
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

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { CLASSES } from "../core/delivery/channel.ts";
import type { OptOuts } from "../core/ports/opt-outs.ts";
import type { Store } from "../core/ports/store.ts";
import {
  type AcceptSetting,
  type AcceptWorld,
  createAcceptWorld,
  errorOf,
  pushMessage,
  silentLog,
  smsMessage as sms,
} from "../test/support/accept-world.ts";
import { eventually } from "../test/support/eventually.ts";
import { toAccepted } from "./answer.ts";
import { createLoad, type Load, MEASURE_EVERY_MS, TRUST_COUNT_MS } from "./load.ts";

let world: AcceptWorld;
let store: AcceptWorld["store"];
let clock: AcceptWorld["clock"];
const setUp = (setting?: AcceptSetting) => world.setUp(setting);

beforeEach(async (t) => {
  world = await createAcceptWorld();
  ({ store, clock } = world);
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
});

/** Resolves once the load has been measured and `done` holds. */
async function measured(load: Load, done: () => boolean): Promise<void> {
  const stop = new AbortController();
  clock.advance(MEASURE_EVERY_MS);
  const measuring = load.run(stop.signal);
  await eventually("the load is measured", done);
  stop.abort();
  await measuring;
}

test("overload is rejected before acceptance, with a retry delay", async () => {
  const { send, load } = setUp({ openMax: 1 });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  const [result] = await send(sms("c"));
  assert.deepEqual([errorOf(result)?.code, errorOf(result)?.reason], ["RESOURCE_EXHAUSTED", "OVERLOADED"]);
  assert.ok((errorOf(result)?.retryAfterMs ?? 0) > 0);
  assert.equal(await world.storedCount(), 2);
});

test("overload rejects marketing first, then transactional, critical last", async () => {
  const { send, load } = setUp({ openMax: 10 });
  const classes = { marketing: 3, transactional: 2, critical: 1 } as const;
  const reasons = async () => {
    const results = await send(
      ...Object.entries(classes).map(([name, notificationClass]) => sms(`${name}-${clock.now()}`, { notificationClass })),
    );
    return results.map((result) => errorOf(result)?.reason ?? "accepted");
  };
  await send(...Array.from({ length: 8 }, (_, i) => sms(`a${i}`)));
  await measured(load, () => load.isFull("marketing"));
  assert.deepEqual(await reasons(), ["OVERLOADED", "accepted", "accepted"]);
  await measured(load, () => load.isFull("transactional"));
  clock.advance(1);
  assert.deepEqual(await reasons(), ["OVERLOADED", "OVERLOADED", "accepted"]);
  await measured(load, () => load.isFull("critical"));
  clock.advance(1);
  assert.deepEqual(await reasons(), ["OVERLOADED", "OVERLOADED", "OVERLOADED"]);
});

test("what is scheduled for later is no overload", async () => {
  const { send, load } = setUp({ openMax: 2 });
  const later = new Date(clock.now() + 89 * 86_400_000);
  await send(...Array.from({ length: 30 }, (_, i) => sms(`s${i}`, { sendAt: later, notificationClass: 3 })));
  await measured(load, () => true);
  assert.equal((await send(sms("now", { notificationClass: 3 })))[0]?.kind, "accepted");
});

test("overload counts what a notification costs: endpoints and bytes", async () => {
  const { send, load } = setUp({ openMax: 20 });
  for (let i = 0; i < 100; i++) {
    const token = `${i}`.padEnd(4_000, "x");
    const endpointId = `${i}`.padStart(32, "0");
    await store.contacts.register({
      app: "app",
      userId: "many",
      endpointId,
      endpoint: { channel: "fcm", token },
      registeredAt: clock.now(),
    });
  }
  const [result] = await send(pushMessage("heavy", "many"));
  assert.ok(result?.kind === "accepted" && result.record.deliveries.length === 100);
  await measured(load, () => load.isFull("critical"));
  assert.equal(errorOf((await send(sms("c")))[0])?.reason, "OVERLOADED");
});

test("overload does not count what ended at once", async () => {
  const optOuts: OptOuts = { check: async (questions) => questions.map(({ userId }) => (userId === "many" ? "opted-out" : "allowed")) };
  const { send, load } = setUp({ openMax: 20, optOuts });
  for (let i = 0; i < 100; i++) {
    const endpoint = { channel: "fcm", token: `${i}`.padEnd(4_000, "x") } as const;
    await store.contacts.register({
      app: "app",
      userId: "many",
      endpointId: `${i}`.padStart(32, "0"),
      endpoint,
      registeredAt: clock.now(),
    });
  }
  const [suppressed] = await send(pushMessage("heavy", "many"), sms("a"), sms("b"));
  assert.ok(suppressed?.kind === "accepted" && suppressed.record.deliveries.every(({ state }) => state === "suppressed"));
  await measured(load, () => true);
  assert.deepEqual(
    CLASSES.filter((notificationClass) => load.isFull(notificationClass)),
    [],
    "two open ones that cost 1 each",
  );
});

test("a repeated key gets its first answer during overload, also from an app that sends much more", async () => {
  const { send, load } = setUp({ openMax: 1 });
  const [first] = await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  const [again, other] = await send(sms("a"), sms("new"));
  assert.ok(first?.kind === "accepted" && again?.kind === "accepted" && again.repeatedKey);
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
  assert.equal(errorOf(other)?.reason, "OVERLOADED");
});

test("keys that overload rejects cost a bounded number of reads", async () => {
  let reads = 0;
  const notifications: Store["notifications"] = {
    ...store.notifications,
    find: async (id) => {
      reads++;
      return store.notifications.find(id);
    },
  };
  const { send, load } = setUp({ openMax: 1, notifications });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  for (let i = 0; i < 5; i++) await send(...Array.from({ length: 100 }, (_, k) => sms(`n${i}-${k}`)));
  assert.equal(reads, 200);
  clock.advance(1_000);
  assert.ok((await send(sms("a")))[0]?.kind === "accepted");
});

test("the count is the one that gateways share", async () => {
  const read = async (name: string) => (name === "open" ? 11 : 0);
  const load = createLoad({ openCount: () => assert.fail("another gateway has counted") }, 10, { clock, log: silentLog, read });
  await measured(load, () => load.isFull("critical"));
});

test("a count that fails is not trusted for ever", async () => {
  let fails = false;
  const openCount: Store["notifications"]["openCount"] = async (limit, until) => {
    if (fails) throw new Error("away");
    return store.notifications.openCount(limit, until);
  };
  const { send, load } = setUp({ openMax: 1, notifications: { ...store.notifications, openCount } });
  await send(sms("a"), sms("b"));
  await measured(load, () => load.isFull("critical"));
  fails = true;
  clock.advance(TRUST_COUNT_MS);
  assert.ok(load.isFull("critical"));
  clock.advance(1);
  assert.deepEqual(
    CLASSES.map((notificationClass) => load.isFull(notificationClass)),
    [false, false, true],
  );
});

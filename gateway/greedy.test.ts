import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { createLogger } from "../runtime/logger.ts";
import { type AcceptWorld, CALLING_APP, createAcceptWorld, errorOf, pushMessage, smsMessage as sms } from "../test/support/accept-world.ts";
import { eventually } from "../test/support/eventually.ts";

let world: AcceptWorld;
beforeEach(async (t) => {
  world = await createAcceptWorld();
  const { store } = world;
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
});
const many = (n: number, name = "g") => Array.from({ length: n }, (_, i) => sms(`${name}${i}`));
/** Lets every call go as far as it can. */
const settle = async () => {
  for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
};

/** A store whose inserts end when a test says so. */
function heldInserts(concurrency = 2) {
  const inserts: { records: readonly NotificationRecord[]; end: () => void }[] = [];
  const { notifications } = world.store;
  return {
    inserts,
    notifications: {
      ...notifications,
      inserting: { itemsMax: 64, concurrency },
      insert: async (records: readonly NotificationRecord[]) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        inserts.push({ records, end: resolve });
        await promise;
        return notifications.insert(records);
      },
    },
  };
}

for (const concurrency of [1, 2])
  test(`a small app's notification is in the next insert of ${concurrency} at once, however many a greedy one has waiting`, async () => {
    const { inserts, notifications } = heldInserts(concurrency);
    const { sendAs } = world.setUp({ notifications, insertsWaitingMax: 10_000 });
    const app = { ...CALLING_APP, id: "greedy" };
    const greedy = Promise.all(["a", "b", "c"].map((name) => sendAs(app, ...many(1_000, name))));
    await eventually("inserts are under way, the rest waits", () => inserts.length === concurrency);
    await settle();
    const small = sendAs({ ...CALLING_APP, id: "small" }, sms("s"));
    await settle();
    inserts[0]!.end();
    await eventually("a further insert", () => inserts.length === concurrency + 1);
    const { records } = inserts[concurrency]!;
    assert.ok(records.slice(0, 2).some(({ app: of }) => of === "small"));
    assert.equal(records.length, 64, "greedy ones fill the rest");
    inserts[concurrency]!.end();
    assert.equal((await small)[0]?.kind, "accepted");
    for (let i = 0; inserts.flatMap((insert) => insert.records).length < 3_001 || i < inserts.length; i++) {
      await eventually("a further insert", () => inserts.length > i);
      inserts[i]!.end();
    }
    assert.ok((await greedy).flat().every((r) => r.kind === "accepted"));
  });

test("greedy apps that fill the queue of inserts leave room for another", async () => {
  const { inserts, notifications } = heldInserts();
  const { sendAs } = world.setUp({ notifications, insertsWaitingMax: 100 });
  const greedy: ReturnType<typeof sendAs>[] = [];
  for (const wave of ["1", "2", "3"]) {
    for (const id of ["a", "b", "c"]) greedy.push(sendAs({ ...CALLING_APP, id }, ...many(300, wave)));
    await settle();
  }
  const small = sendAs({ ...CALLING_APP, id: "small" }, sms("s"));
  await settle();
  for (let i = 0; i < inserts.length; i++) {
    inserts[i]!.end();
    await settle();
  }
  const rejected = (await Promise.all(greedy)).flat().map(errorOf);
  assert.ok(rejected.some((error) => error?.reason === "OVERLOADED" && error.retryAfterMs !== undefined));
  assert.ok(rejected.every((error) => error === undefined || error.code === "RESOURCE_EXHAUSTED"));
  assert.equal((await small)[0]?.kind, "accepted");
});

test("an app has as much of an insert as its weight says", async () => {
  const { inserts, notifications } = heldInserts();
  const { sendAs } = world.setUp({ notifications, insertsWaitingMax: 20_000 });
  const weighted = (id: string, weight: number) => ({ ...CALLING_APP, id, limits: { weight } });
  const calls = ["1", "2", "3"].flatMap((name) => [
    sendAs(weighted("heavy", 3), ...many(1_000, name)),
    sendAs(weighted("light", 1), ...many(1_000, name)),
  ]);
  await eventually("two inserts are under way, the rest waits", () => inserts.length === 2);
  await settle();
  inserts[0]!.end();
  await eventually("a third insert", () => inserts.length === 3);
  const count = (id: string) => inserts[2]!.records.filter(({ app }) => app === id).length;
  assert.deepEqual([count("heavy"), count("light")], [48, 16]);
  for (let i = 0; inserts.flatMap((insert) => insert.records).length < 6_000 || i < inserts.length; i++) {
    await eventually("a further insert", () => inserts.length > i);
    inserts[i]!.end();
  }
  await Promise.all(calls);
});

/** Contacts of users who have a hundred endpoints each, with tokens of so many characters. */
const manyEndpoints = (characters: number): AcceptWorld["store"]["contacts"] => ({
  ...world.store.contacts,
  list: async (app, userIds) =>
    userIds.flatMap((userId) =>
      Array.from({ length: 100 }, (_, i) => {
        const endpoint = { channel: "fcm", token: `${i}`.padEnd(characters, "x") } as const;
        return { app, userId, endpointId: `${i}`.padStart(32, "0"), endpoint, registeredAt: 0 };
      }),
    ),
});

test("of what a gateway works on an app holds no more bytes than are free, so that another's are taken", async () => {
  const { inserts, notifications } = heldInserts();
  const { sendAs } = world.setUp({ notifications, contacts: manyEndpoints(4_000) });
  const large = (app: string, call: number) =>
    sendAs({ ...CALLING_APP, id: app }, ...Array.from({ length: 30 }, (_, i) => pushMessage(`${call}-${i}`, "many")));
  const calls = [large("greedy", 1), large("greedy", 2), large("greedy", 3)];
  await settle();
  const small = large("small", 1);
  await settle();
  for (let i = 0; i < inserts.length; i++) {
    inserts[i]!.end();
    await settle();
  }
  const rejected = (await Promise.all(calls)).flat().flatMap((result) => errorOf(result) ?? []);
  assert.ok(rejected.length > 0 && rejected.length < 30, `${rejected.length} of 90, 0.4 MB each`);
  assert.deepEqual(new Set(rejected.map(({ reason }) => reason)), new Set(["OVERLOADED"]));
  assert.ok((await small).every(({ kind }) => kind === "accepted"));
});

test("a notification that no document can hold is rejected, and costs its batch nothing", async () => {
  const { send } = world.setUp({ contacts: manyEndpoints(100_000) });
  const [tooLarge, other] = await send(pushMessage("large", "many"), sms("small"));
  assert.deepEqual([errorOf(tooLarge)?.code, errorOf(tooLarge)?.reason], ["FAILED_PRECONDITION", "NOTIFICATION_TOO_LARGE"]);
  assert.equal(other?.kind, "accepted");
});

test("a call that expands to too many deliveries or bytes is accepted in part, without a flood of log lines", async () => {
  const { store, clock } = world;
  for (let i = 0; i < 100; i++)
    await store.contacts.register({
      ...{ app: "app", userId: "many", endpointId: `${i}`.padStart(32, "0"), registeredAt: clock.now() },
      endpoint: { channel: "fcm", token: `${i}`.padEnd(4_000, "x") },
    });
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line: string) => void lines.push(line) });
  const { send } = world.setUp({ log });
  const results = await send(...Array.from({ length: 300 }, (_, i) => pushMessage(`p${i}`, "many")));
  const accepted = results.filter((r) => r.kind === "accepted").length;
  assert.ok(accepted >= 20 && accepted <= 50, `${accepted} of 300, 0.4 MB each`);
  for (const error of results.map(errorOf))
    assert.ok(error === undefined || (error.code === "RESOURCE_EXHAUSTED" && error.retryAfterMs !== undefined));
  assert.deepEqual(lines, []);
  assert.equal((await send(pushMessage("later", "many")))[0]?.kind, "accepted", "what was held is free again");
});

test("a batch whose insert fails is one log line", async () => {
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line: string) => void lines.push(line) });
  const insert = () => Promise.reject(new Error("away"));
  const { send } = world.setUp({ log, notifications: { ...world.store.notifications, insert } });
  const results = await send(...many(300));
  assert.ok(results.every((r) => errorOf(r)?.code === "UNAVAILABLE"));
  assert.equal(lines.length, 1);
});

test("an unexpected error with one item of a large call is answered, also where others wait for their turn", async () => {
  let taken = 0;
  const take = () => {
    if (taken++ === 0) throw new Error("made up");
    return true;
  };
  const { send } = world.setUp({ shares: { take } });
  const errors = (await send(...many(100))).map((result) => errorOf(result)?.code);
  assert.deepEqual([errors[0], errors.filter((code) => code !== undefined).length], ["UNAVAILABLE", 1]);
});

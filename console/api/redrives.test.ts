import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { createLogger } from "../../runtime/logger.ts";
import { ignoreEvents } from "../../test/support/changes.ts";
import { insertDeadLetter } from "../../test/support/dead-letter-samples.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { sampleAction } from "../../test/support/store/steering.ts";
import { createRedrives, RATE, type Redrives } from "./redrives.ts";

const rejected = { kind: "rejected", reason: "content" } as const;
const ORDER = { actor: "mira", reason: "it is mended", target: "sms rejected" };
const groupAt = (at: number) => ({ channel: "sms", reason: "rejected", from: 0, to: at }) as const;

/** A store with so many dead letters of one group, which expire in an hour; its clock waits for the test. */
async function world(count: number) {
  const store = await openStore("sqlite::memory:");
  const expiresAt = (await store.time()) + 3_600_000;
  for (let i = 0; i < count; i++) await insertDeadLetter(store, `${i}`, [rejected], { endedAt: 1 + i, expiresAt });
  const clock = createFakeClock();
  const ending = new AbortController();
  const lines: string[] = [];
  const log = createLogger("console", "info", { write: (line) => void lines.push(line) });
  const open = () => createRedrives({ store, recorder: ignoreEvents, clock, log, signal: ending.signal });
  return { store, clock, open, ending, lines, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

const stepped = (redrives: Redrives, count: number) =>
  eventually(`${count} are redriven`, async () => (await redrives.list()).redrives[0]?.progress?.redriven === count);
const entries = async (store: Store) => (await store.steering.actions(undefined, 10)).map(({ action, result }) => [action, result]);
const failedNow = async (store: Store) => (await Array.fromAsync(store.notifications.failed(0, Number.MAX_SAFE_INTEGER))).length;

test("a group is redriven at the rate, under one entry that says after each step what was done", async () => {
  await using w = await world(RATE + 20);
  const redrives = w.open();
  const id = await redrives.begin(ORDER, groupAt, false);
  await stepped(redrives, RATE);
  const [running] = (await redrives.list()).redrives;
  assert.deepEqual([running?.id, running?.state, running?.actor, running?.why], [id, "running", "mira", "it is mended"]);
  assert.deepEqual(running?.progress, { redriven: RATE, leftOut: 0, total: RATE + 20, isTotalCut: false, isStopping: false });
  await eventually("the entry says so", async () => (await entries(w.store))[0]?.[1] === `so far: ${RATE} redriven`);
  assert.equal(await failedNow(w.store), 20);
  w.clock.advance(1_000);
  await eventually("it has ended", async () => (await redrives.list()).redrives[0]?.state === "ended");
  assert.deepEqual(await entries(w.store), [["redrive-group", `${RATE + 20} redriven`]]);
});

test("a process that ends leaves after its step what it redrives, and waits for that", async () => {
  await using w = await world(RATE * 2);
  const redrives = w.open();
  await redrives.begin(ORDER, groupAt, false);
  await stepped(redrives, RATE);
  w.ending.abort();
  await redrives.settled();
  assert.deepEqual(await entries(w.store), [["redrive-group", `so far: ${RATE} redriven`]]);
  assert.deepEqual([(await redrives.list()).redrives[0]?.state, await failedNow(w.store)], ["left", RATE]);
});

test("any process stops it after its step, and what is left is gone on with", async () => {
  await using w = await world(RATE * 2);
  const [one, other] = [w.open(), w.open()];
  const id = await one.begin(ORDER, groupAt, false);
  await stepped(one, RATE);
  await eventually("the step is in the log", async () => (await entries(w.store))[0]?.[1] === `so far: ${RATE} redriven`);
  assert.deepEqual([(await other.list()).redrives[0]?.state, (await other.list()).redrives[0]?.progress], ["left", undefined]);
  await other.stop(id, "otto");
  w.clock.advance(1_000);
  await eventually("it was stopped", async () => (await one.list()).redrives[0]?.state === "unfinished");
  assert.deepEqual(await entries(w.store), [
    ["stop-redrive", "asked to end after its step"],
    ["redrive-group", `stopped by otto: ${RATE} redriven`],
  ]);
  assert.equal(await failedNow(w.store), RATE);
  await assert.rejects(one.stop(id, "otto"), { status: 404 });
  await one.begin(ORDER, groupAt, false);
  await eventually("the rest is redriven", async () => {
    w.clock.advance(1_000);
    return (await one.list()).redrives[0]?.state === "ended";
  });
  assert.equal((await entries(w.store))[0]?.[1], `${RATE} redriven`);
});

test("after the end of its process, its entry still says what was done, and that it has no result", async () => {
  await using w = await world(RATE * 2);
  const before = w.open();
  await before.begin(ORDER, groupAt, false);
  await stepped(before, RATE);
  await eventually("the step is in the log", async () => (await entries(w.store))[0]?.[1] === `so far: ${RATE} redriven`);
  // Its clock stands still, as that of a process that has ended.
  const [left] = (await w.open().list()).redrives;
  assert.deepEqual([left?.state, left?.words], ["left", `${RATE} redriven`]);
});

test("two processes that redrive the same group redrive each delivery once", async () => {
  await using w = await world(RATE * 3);
  const both = [w.open(), w.open()];
  for (const redrives of both) await redrives.begin(ORDER, groupAt, false);
  await eventually("both have ended", async () => {
    w.clock.advance(1_000);
    return (
      (await both[0]!.list()).redrives.every(({ state }) => state !== "running") &&
      (await entries(w.store)).every(([, words]) => !words?.startsWith("so far"))
    );
  });
  assert.equal(await failedNow(w.store), 0);
  const attempts = (await w.store.notifications.page("", 1_000)).flatMap(({ deliveries }) => deliveries.map(({ attempt }) => attempt));
  assert.deepEqual(attempts, Array(RATE * 3).fill(2));
});

test("a process redrives a group once, and two groups, at once", async () => {
  await using w = await world(RATE * 2);
  const redrives = w.open();
  await redrives.begin(ORDER, groupAt, false);
  await assert.rejects(redrives.begin(ORDER, groupAt, false), { status: 409, message: /already/ });
  await stepped(redrives, RATE);
  // Nothing of it failed: it ends at once, so the third waits for it no longer.
  await redrives.begin({ ...ORDER, target: "email rejected" }, (at) => ({ ...groupAt(at), channel: "email" }), false);
  await eventually("the second has ended", async () => (await redrives.list()).redrives[0]?.state === "ended");
});

test("an error of the store ends it, and the entry says what was done before", async () => {
  await using w = await world(RATE * 2);
  const redrives = w.open();
  await redrives.begin(ORDER, groupAt, false);
  await stepped(redrives, RATE);
  await eventually("the step is in the log", async () => (await entries(w.store))[0]?.[1] === `so far: ${RATE} redriven`);
  w.store.attempts.find = () => Promise.reject(new TypeError("broken"));
  w.clock.advance(1_000);
  await eventually("it failed", async () => (await redrives.list()).redrives[0]?.state === "unfinished");
  assert.deepEqual(await entries(w.store), [["redrive-group", `failed: TypeError; before that: ${RATE} redriven`]]);
});

test("one is listed and stopped however much was done since", async () => {
  await using w = await world(RATE * 2);
  const [one, other] = [w.open(), w.open()];
  const id = await one.begin(ORDER, groupAt, false);
  await stepped(one, RATE);
  await eventually("the step is in the log", async () => (await w.store.steering.findAction(id))?.result === `so far: ${RATE} redriven`);
  // Later than the redrive: other actions, single redrives, orders to stop others, and redrives of groups that have ended.
  for (let i = 0; i < 300; i++)
    for (const [kind, result] of [["pause"], ["redrive"], ["stop-redrive"], ["redrive-group", "1 redriven"]].slice(0, i < 20 ? 4 : 3))
      await w.store.steering.log(sampleAction(`9-${kind}-${i}`, { action: kind!, target: "sms rejected", ...(result && { result }) }));
  const { redrives, isCut } = await other.list();
  assert.deepEqual([redrives.length, redrives.at(-1)?.id, redrives.at(-1)?.state, isCut], [11, id, "left", true]);
  assert.equal((await one.list()).redrives.at(-1)?.state, "running");
  await other.stop(id, "otto");
  w.clock.advance(1_000);
  await one.settled();
  assert.equal((await w.store.steering.findAction(id))?.result, `stopped by otto: ${RATE} redriven`);
});

for (const where of ["this process", "another one"] as const)
  test(`one whose deliveries are still counted is stopped by ${where}`, async () => {
    await using w = await world(3);
    const [one, other] = [w.open(), w.open()];
    const [counting, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { failed } = w.store.notifications;
    w.store.notifications.failed = async function* (...of) {
      // The first thousand of many: what they are does not matter.
      for await (const n of failed(...of)) for (let i = 0; i < 500; i++) yield n;
      counting.resolve();
      await stopped.promise;
      for await (const n of failed(...of)) for (let i = 0; i < 500; i++) yield n;
      throw new Error("it counted on");
    };
    const id = await one.begin(ORDER, groupAt, false);
    await counting.promise;
    assert.deepEqual([(await one.list()).redrives[0]?.state, (await one.list()).redrives[0]?.progress?.total], ["running", 0]);
    await (where === "this process" ? one : other).stop(id, "otto");
    stopped.resolve();
    await one.settled();
    assert.equal((await w.store.steering.findAction(id))?.result, "stopped by otto: 0 redriven");
  });

test("a result that cannot be stored is logged, and shown as such", async () => {
  await using w = await world(3);
  const redrives = w.open();
  const { log } = w.store.steering;
  w.store.steering.log = (action) => (action.result === undefined ? log(action) : Promise.reject(new Error("the disk is full")));
  const id = await redrives.begin(ORDER, groupAt, false);
  await redrives.settled();
  const [shown] = (await redrives.list()).redrives;
  assert.deepEqual([shown?.id, shown?.state, shown?.words, shown?.isUnlogged], [id, "ended", "3 redriven", true]);
  assert.deepEqual(await entries(w.store), [["redrive-group", undefined]], "the log does not say that it failed");
  assert.match(w.lines.join(""), /the disk is full.*"result":"3 redriven".*could not be stored/);
  await assert.rejects(redrives.stop(id, "otto"), { status: 404 });
});

test("an order without its entry is not begun", async () => {
  await using w = await world(1);
  const redrives = w.open();
  await assert.rejects(redrives.begin({ ...ORDER, reason: "" }, groupAt, false), /reason must have/);
  assert.equal(await failedNow(w.store), 1);
  await redrives.begin(ORDER, groupAt, false);
  await eventually("it has ended", async () => (await redrives.list()).redrives[0]?.state === "ended");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { ignoreEvents } from "../../test/support/changes.ts";
import { insertDeadLetter } from "../../test/support/dead-letter-samples.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
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
  const open = () => createRedrives({ store, recorder: ignoreEvents, clock, signal: ending.signal });
  return { store, clock, open, ending, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
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
  assert.deepEqual(await entries(w.store), [["redrive", `${RATE + 20} redriven`]]);
});

test("a process that ends leaves after its step what it redrives, and waits for that", async () => {
  await using w = await world(RATE * 2);
  const redrives = w.open();
  await redrives.begin(ORDER, groupAt, false);
  await stepped(redrives, RATE);
  w.ending.abort();
  await redrives.settled();
  assert.deepEqual(await entries(w.store), [["redrive", `so far: ${RATE} redriven`]]);
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
    ["redrive", `stopped by otto: ${RATE} redriven`],
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
  assert.deepEqual(await entries(w.store), [["redrive", `failed: TypeError; before that: ${RATE} redriven`]]);
});

test("an order without its entry is not begun", async () => {
  await using w = await world(1);
  const redrives = w.open();
  await assert.rejects(redrives.begin({ ...ORDER, reason: "" }, groupAt, false), /reason must have/);
  assert.equal(await failedNow(w.store), 1);
  await redrives.begin(ORDER, groupAt, false);
  await eventually("it has ended", async () => (await redrives.list()).redrives[0]?.state === "ended");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { latestChanges } from "./person-changes.ts";

const APP = "shop";

/** Changes every subject in turn, so many times, a millisecond apart. @param evidence of each */
async function world(subjects: number, times: number, evidence = "") {
  const store = await openStore("sqlite::memory:");
  const all = Array.from({ length: subjects }, (_, i) => `endpoint:${i}`);
  let at = 0;
  for (let time = 0; time < times; time++)
    for (const subject of all)
      await store.preferences.update(APP, subject, { optOut: [{ channel: "*", category: `c${time % 2}` }], origin: { evidence } }, ++at);
  return { store, all, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** What is found, and how many changes were read for it. */
async function read({ preferences }: Store, subjects: readonly string[]) {
  let rows = 0;
  const history: typeof preferences.history = async (...of) => {
    const page = await preferences.history(...of);
    rows += page.length;
    return page;
  };
  return { ...(await latestChanges({ history }, APP, await preferences.find(APP, subjects))), rows: () => rows };
}

test("of many subjects the latest 500 changes are found, and little more is read", async () => {
  await using w = await world(30, 40);
  const { changes, isCut, rows } = await read(w.store, w.all);
  assert.equal(isCut, true);
  assert.deepEqual(
    changes.map(({ at }) => at),
    Array.from({ length: 500 }, (_, i) => 1_200 - i),
  );
  assert.ok(rows() <= 500 + 30 * 25, `${rows()} were read`);
});

test("all are found where there are fewer, exactly as many too, and nothing is said to be cut", async () => {
  await using w = await world(2, 250);
  const whole = await read(w.store, w.all);
  assert.deepEqual([whole.changes.length, whole.isCut, whole.changes.at(-1)?.at], [500, false, 1]);
  const one = await read(w.store, [w.all[0]!, "endpoint:none"]);
  assert.deepEqual([one.changes.length, one.isCut], [250, false]);
});

test("one subject of many changes does not hide the latest of another", async () => {
  await using w = await world(1, 600);
  await w.store.preferences.update(APP, "user:u", { optOut: [{ channel: "*", category: "*" }], origin: {} }, 100_000);
  const { changes, isCut } = await read(w.store, [...w.all, "user:u"]);
  assert.deepEqual([changes[0]?.subject, changes.length, isCut], ["user:u", 500, true]);
});

test("large changes are cut by their size", async () => {
  await using w = await world(4, 60, "x".repeat(10_000));
  const { changes, isCut } = await read(w.store, w.all);
  assert.equal(isCut, true);
  assert.ok(changes.length > 80 && changes.length < 100, `${changes.length} were found`);
});

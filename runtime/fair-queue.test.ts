import assert from "node:assert/strict";
import { test } from "node:test";
import { createFairQueue } from "./fair-queue.ts";

const ALL = { itemsMax: 1_000_000, bytesMax: Number.POSITIVE_INFINITY };
const laneOf = (item: string) => item.slice(0, 1);

test("lanes take turns, so that one with many items does not delay one with few", () => {
  const queue = createFairQueue<string>(ALL, { laneOf });
  for (const item of ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]) assert.ok(queue.push(item));
  assert.deepEqual(queue.take({ ...ALL, itemsMax: 4 }), ["a1", "b1", "c1", "a2"]);
  assert.ok(queue.push("b2"));
  assert.deepEqual(queue.take(ALL), ["c2", "a3", "b2", "a4"]);
  assert.equal(queue.length, 0);
  assert.deepEqual(queue.take(ALL), []);
});

test("a lane of weight 3 gets three items per turn", () => {
  const queue = createFairQueue<string>(ALL, { laneOf, weightOf: (item) => (item.startsWith("a") ? 3 : 1) });
  for (const item of ["a1", "a2", "a3", "a4", "a5", "b1", "b2"]) queue.push(item);
  assert.deepEqual(queue.take(ALL), ["a1", "a2", "a3", "b1", "a4", "a5", "b2"]);
});

test("a turn that the end of a batch cuts short goes on in the next one", () => {
  const queue = createFairQueue<string>(ALL, { laneOf, weightOf: (item) => (item.startsWith("a") ? 3 : 1) });
  for (const item of ["a1", "a2", "a3", "a4", "a5", "b1", "b2"]) queue.push(item);
  const one = () => queue.take({ ...ALL, itemsMax: 1 })[0];
  assert.deepEqual(Array.from({ length: 7 }, one), ["a1", "a2", "a3", "b1", "a4", "a5", "b2"]);
});

test("what is taken at once is bounded in bytes, and an item larger than the bound is taken alone", () => {
  const queue = createFairQueue<string>(ALL, { laneOf, bytesOf: (item) => item.length });
  for (const item of ["aaaa", "bb", "cc", "dddddddd", "e"]) queue.push(item);
  const takes = Array.from({ length: 3 }, () => queue.take({ ...ALL, bytesMax: 6 }));
  assert.deepEqual(takes, [["aaaa", "bb"], ["cc"], ["dddddddd"]]);
  assert.deepEqual(queue.take({ ...ALL, bytesMax: 6 }), ["e"]);
});

test("greedy lanes leave room for others, in items and in bytes", () => {
  const bounds = { itemsMax: 1_000, bytesMax: 10_000 };
  for (const bytesOf of [() => 0, () => 100]) {
    const queue = createFairQueue<string>(bounds, { laneOf, bytesOf });
    const alone = createFairQueue<string>(bounds, { laneOf, bytesOf });
    const fill = (lane: string, into = queue) => {
      let pushed = 0;
      while (into.push(lane)) pushed++;
      return pushed;
    };
    const capacity = bytesOf() === 0 ? bounds.itemsMax : bounds.bytesMax / bytesOf();
    const single = fill("a", alone);
    assert.ok(single >= 0.5 * capacity && single < 0.6 * capacity, `alone: ${single} of ${capacity}`);
    for (const lane of ["a", "b", "c"]) fill(lane);
    for (const lane of ["d", "e"]) assert.ok(queue.push(lane), `${lane} is refused`);
  }
});

test("a queue without lanes is filled to its bound, in order", () => {
  const queue = createFairQueue<number>({ itemsMax: 3, bytesMax: 1 });
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => queue.push(n)),
    [true, true, true, false],
  );
  assert.deepEqual(queue.take(ALL), [1, 2, 3]);
});

test("no lane makes the queue exceed its bounds", () => {
  const queue = createFairQueue<string>({ itemsMax: 100, bytesMax: 500 }, { laneOf: (item) => item, bytesOf: () => 7 });
  let pushed = 0;
  for (let i = 0; i < 200; i++) if (queue.push(String(i))) pushed++;
  assert.equal(pushed, Math.floor(500 / 7));
  assert.equal(queue.length, pushed);
});

test("drops items at the heads of the lanes, and a long lane keeps its order", () => {
  const queue = createFairQueue<{ lane: string; n: number }>(ALL, { laneOf: ({ lane }) => lane });
  for (let n = 0; n < 5_000; n++) queue.push({ lane: "a", n });
  queue.push({ lane: "b", n: 0 });
  assert.equal(queue.dropWhile(({ n }) => n < 3_000).length, 3_001);
  assert.equal(queue.length, 2_000);
  const rest = queue.take(ALL).map(({ n }) => n);
  assert.deepEqual([rest.length, rest[0], rest.at(-1)], [2_000, 3_000, 4_999]);
  assert.ok(queue.push({ lane: "b", n: 1 }));
  assert.equal(queue.take(ALL)[0]?.lane, "b");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { BatchFullError, BatchLateError, createBatcher } from "./batch.ts";

test("gathers what comes while a batch is under way, and answers each with its own result", async () => {
  const batches: (readonly number[])[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const batcher = createBatcher(
    async (items: readonly number[]) => {
      batches.push(items);
      await gate;
      return items.map((i) => i * 10);
    },
    { batchMax: 3, waitingMax: 100 },
  );
  const first = batcher.add(1);
  await Promise.resolve();
  const others = [2, 3, 4, 5].map((i) => batcher.add(i));
  open();
  assert.deepEqual(await Promise.all([first, ...others]), [10, 20, 30, 40, 50]);
  assert.deepEqual(batches, [[1], [2, 3, 4], [5]]);
});

test("a batch that fails fails its own items only", async () => {
  const batcher = createBatcher(
    async (items: readonly string[]) => {
      if (items.includes("bad")) throw new Error("no");
      return items;
    },
    { batchMax: 1, waitingMax: 10 },
  );
  const results = await Promise.allSettled(["a", "bad", "b"].map((i) => batcher.add(i)));
  assert.deepEqual(
    results.map((r) => r.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

test("refuses at once what does not fit", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const batcher = createBatcher(async (items: readonly number[]) => gate.then(() => items), { batchMax: 1, waitingMax: 2 });
  const kept = [batcher.add(0)];
  await Promise.resolve();
  kept.push(batcher.add(1), batcher.add(2));
  await assert.rejects(batcher.add(3), BatchFullError);
  open();
  assert.deepEqual(await Promise.all(kept), [0, 1, 2]);
});

test("what waited too long is in no batch, and those behind it are not kept back", async () => {
  const clock = createFakeClock();
  const batches: (readonly number[])[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const flush = async (items: readonly number[]) => {
    batches.push(items);
    if (items[0] === 1) await gate;
    return items;
  };
  const batcher = createBatcher(flush, { batchMax: 2, waitingMax: 10, wait: { maxMs: 100, clock } });
  const first = batcher.add(1);
  await Promise.resolve();
  const late = Promise.allSettled([2, 3, 4].map((i) => batcher.add(i)));
  await clock.advance(101);
  const inTime = batcher.add(5);
  open();
  assert.deepEqual([await first, await inTime], [1, 5]);
  for (const result of await late) assert.ok(result.status === "rejected" && result.reason instanceof BatchLateError);
  assert.deepEqual(batches, [[1], [5]]);
});

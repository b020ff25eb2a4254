import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { BatchFullError, BatchLateError, createBatcher } from "./batch.ts";
import { systemClock } from "./clock.ts";

test("gathers items while a batch is in progress, and resolves each with its own result", async () => {
  const batches: (readonly number[])[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const batcher = createBatcher(
    async (items: readonly number[]) => {
      batches.push(items);
      await gate;
      return items.map((i) => i * 10);
    },
    { batchMax: 3, waitingMax: 100 },
    systemClock,
  );
  const first = batcher.add(1);
  await turn();
  const others = [2, 3, 4, 5].map((i) => batcher.add(i));
  open();
  assert.deepEqual(await Promise.all([first, ...others]), [10, 20, 30, 40, 50]);
  assert.deepEqual(batches, [[1], [2, 3, 4], [5]]);
});

test("what arrives in one event-loop turn shares a flush, and while idle nothing waits longer than that turn", async () => {
  const batches: (readonly number[])[] = [];
  const flush = async (items: readonly number[]) => {
    batches.push(items);
    return items;
  };
  const batcher = createBatcher(flush, { batchMax: 100, waitingMax: 100 }, systemClock);
  for (const [first, second, third] of [
    [1, 2, 3],
    [4, 5, 6],
  ] as const) {
    const added = [batcher.add(first)];
    // As answers arrive on sockets: in microtasks of their own, and in callbacks of the same turn.
    for (let hops = 0; hops < 10; hops++) await Promise.resolve();
    added.push(batcher.add(second));
    process.nextTick(() => added.push(batcher.add(third)));
    await turn();
    assert.deepEqual(batches.at(-1), [first, second, third]);
    assert.deepEqual(await Promise.all(added), [first, second, third]);
  }
  assert.equal(batches.length, 2);
});

test("a batch that fails fails its own items only", async () => {
  const batcher = createBatcher(
    async (items: readonly string[]) => {
      if (items.includes("bad")) throw new Error("no");
      return items;
    },
    { batchMax: 1, waitingMax: 10 },
    systemClock,
  );
  const results = await Promise.allSettled(["a", "bad", "b"].map((i) => batcher.add(i)));
  assert.deepEqual(
    results.map((r) => r.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

test("rejects an item at once when the queue is full", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const batcher = createBatcher(async (items: readonly number[]) => gate.then(() => items), { batchMax: 1, waitingMax: 2 }, systemClock);
  const kept = [batcher.add(0)];
  await turn();
  kept.push(batcher.add(1), batcher.add(2));
  await assert.rejects(batcher.add(3), BatchFullError);
  open();
  assert.deepEqual(await Promise.all(kept), [0, 1, 2]);
});

test("an item that waited too long is in no batch, and those behind it are not delayed", async () => {
  const clock = createFakeClock();
  const batches: (readonly number[])[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const flush = async (items: readonly number[]) => {
    batches.push(items);
    if (items[0] === 1) await gate;
    return items;
  };
  const batcher = createBatcher(flush, { batchMax: 2, waitingMax: 10, waitMaxMs: 100 }, clock);
  const first = batcher.add(1);
  await turn();
  const late = Promise.allSettled([2, 3, 4].map((i) => batcher.add(i)));
  await clock.advance(101);
  const inTime = batcher.add(5);
  open();
  assert.deepEqual([await first, await inTime], [1, 5]);
  for (const result of await late) assert.ok(result.status === "rejected" && result.reason instanceof BatchLateError);
  assert.deepEqual(batches, [[1], [5]]);
});

test("each batch begins in a turn of its own, so that what has arrived meanwhile is handled in between", async () => {
  const seen: string[] = [];
  const flush = async (items: readonly number[]) => {
    seen.push(`batch of ${items.length}`);
    return items;
  };
  const batcher = createBatcher(flush, { batchMax: 2, waitingMax: 100, concurrency: 2 }, systemClock);
  const all = Promise.all([1, 2, 3, 4, 5].map((i) => batcher.add(i)));
  for (let i = 0; i < 3; i++) {
    await turn();
    seen.push("others");
  }
  await all;
  assert.deepEqual(seen, ["batch of 2", "others", "batch of 2", "others", "batch of 1", "others"]);
});

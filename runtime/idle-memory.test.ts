import assert from "node:assert/strict";
import { test } from "node:test";
import { cachedDataVersionTag, getHeapStatistics } from "node:v8";
import { collectAll, createIdleMemory } from "./idle-memory.ts";

test("A process collects once after its start and once after each time of work, and only while it is idle", () => {
  let [busy, collected] = [0, 0];
  const check = createIdleMemory({ utilization: () => busy, collect: () => void collected++ });
  const after = (...shares: number[]) =>
    shares.map((share) => {
      busy = share;
      check();
      return collected;
    });
  assert.deepEqual(after(0.9, 0.06), [0, 0], "not while it starts, nor while it is not idle yet");
  assert.deepEqual(after(0.01, 0.01, 0.07, 0.01), [1, 1, 1, 1], "once, also where it does a little");
  assert.deepEqual(after(0.2, 0.5, 0.06, 0.02, 0), [1, 1, 1, 2, 2], "once more after work");
});

test("A collection leaves V8's options as they were, which the code in the compile cache depends on", () => {
  const before = cachedDataVersionTag();
  collectAll();
  assert.equal(cachedDataVersionTag(), before);
});

test("A collection gives back what nothing refers to", () => {
  const held = { garbage: Array.from({ length: 200_000 }, (_, i) => ({ i, text: `text ${i}` })) as object[] | undefined };
  collectAll();
  const before = getHeapStatistics();
  held.garbage = undefined;
  collectAll();
  const after = getHeapStatistics();
  assert.ok(
    before.used_heap_size - after.used_heap_size > 8_000_000,
    `${before.used_heap_size} bytes in use, then ${after.used_heap_size}`,
  );
  assert.ok(after.total_heap_size < before.total_heap_size, `${before.total_heap_size} bytes held, then ${after.total_heap_size}`);
});

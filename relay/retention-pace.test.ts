import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "./retention-pace.ts";

/** A clock that sleeps at once, and a store whose calls take so many ms for each item. */
function world(budgetMs: number) {
  let now = 0;
  let worked = 0;
  const advance = (ms: number) => {
    now += ms;
  };
  const clock = { monotonic: () => now, sleep: async (ms: number) => advance(ms) };
  const pace = createPace(budgetMs, clock);
  return {
    pace,
    share: () => worked / now,
    async call(msPerItem: number): Promise<number> {
      const limit = pace.limit();
      await pace.run(async () => {
        now += limit * msPerItem;
        worked += limit * msPerItem;
        return { removed: limit };
      }, new AbortController().signal);
      return limit;
    },
  };
}

test("work takes its share of the time, whatever each item costs", async () => {
  for (const msPerItem of [0.01, 0.3, 5, 40]) {
    const { call, share } = world(30);
    for (let i = 0; i < 200; i++) await call(msPerItem);
    assert.ok(Math.abs(share() - 0.03) < 0.001, `${msPerItem} ms each: ${share()}`);
  }
});

test("a call grows until it takes about 10 ms, and shrinks at once where the store is slow", async () => {
  const { call, pace } = world(30);
  for (let i = 0; i < 20; i++) await call(0.05);
  assert.ok(pace.limit() > 150 && pace.limit() <= 200, `${pace.limit()}`);
  await call(5);
  assert.ok(pace.limit() <= 5, `${pace.limit()}`);
  for (let i = 0; i < 20; i++) await call(0.0001);
  assert.equal(pace.limit(), 1_000);
  await pace.run(async () => ({ removed: 0 }), new AbortController().signal);
  assert.equal(pace.limit(), 1_000, "a call that finds nothing says nothing");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrivals, followArrivals } from "./arrivals.ts";

/** Readings every 2 s of a stream that grows by so much before each. */
function follow(growth: readonly number[], from?: Arrivals): Arrivals {
  let arrivals = from ?? followArrivals(undefined, { created: "one", lastSequence: 1_000 }, 0);
  for (const by of growth) {
    const lastSequence = arrivals.lastSequence + by;
    arrivals = followArrivals(arrivals, { created: "one", lastSequence }, arrivals.readAt + 2_000);
  }
  return arrivals;
}
const times = (n: number, by: number) => Array<number>(n).fill(by);

test("one reading tells no rate", () => {
  assert.equal(follow([]).perSecond, undefined);
});

test("two readings tell the rate between them", () => {
  const arrivals = follow([100]);
  assert.equal(arrivals.perSecond, 50);
  assert.equal(arrivals.arrivedAt, 2_000);
});

test("a steady stream keeps its rate", () => {
  assert.equal(follow(times(50, 100)).perSecond, 50);
});

test("a tenfold rise is mostly believed after three readings, a fall to nothing is not", () => {
  const steady = follow(times(5, 100));
  const risen = follow(times(3, 1_000), steady).perSecond!;
  assert.ok(risen > 350 && risen < 500, `${risen}`);
  const fallen = follow(times(3, 0), steady).perSecond!;
  assert.ok(fallen > 40 && fallen < 50, `${fallen}`);
});

test("a stream in which nothing more arrives comes to rest at none, and remembers when the last came", () => {
  const arrivals = follow(times(600, 0), follow([100]));
  assert.equal(arrivals.perSecond, 0);
  assert.equal(arrivals.arrivedAt, 2_000);
});

test("a long gap between two readings counts by its length", () => {
  const steady = follow(times(5, 100));
  const after = followArrivals(steady, { created: "one", lastSequence: steady.lastSequence + 50 * 120 }, steady.readAt + 120_000);
  assert.ok(Math.abs(after.perSecond! - 50) < 1e-9, `${after.perSecond}`);
});

for (const [what, created, lastSequence] of [
  ["made anew", "two", 7],
  ["made anew and already longer", "two", 9_000],
  ["whose sequences went back", "one", 7],
] as const)
  test(`a stream ${what} keeps the rate, and begins to count again`, () => {
    const steady = follow(times(5, 100));
    const anew = followArrivals(steady, { created, lastSequence }, steady.readAt + 2_000);
    assert.equal(anew.perSecond, 50);
    const next = followArrivals(anew, { created, lastSequence: lastSequence + 100 }, anew.readAt + 2_000);
    assert.equal(next.perSecond, 50);
  });

test("two readings at the same moment are one", () => {
  const steady = follow(times(5, 100));
  assert.deepEqual(followArrivals(steady, { created: "one", lastSequence: steady.lastSequence + 5 }, steady.readAt), steady);
});

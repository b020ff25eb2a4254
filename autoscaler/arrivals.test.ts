import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrivals, updateArrivals } from "./arrivals.ts";

/** @param growth tasks that arrive before each reading; one reading every 2 s */
function follow(growth: readonly number[], from?: Arrivals): Arrivals {
  let arrivals = from ?? updateArrivals(undefined, { created: "one", lastSequence: 1_000 }, 0);
  for (const by of growth) {
    const lastSequence = arrivals.lastSequence + by;
    arrivals = updateArrivals(arrivals, { created: "one", lastSequence }, arrivals.readAt + 2_000);
  }
  return arrivals;
}
const times = (n: number, by: number) => Array<number>(n).fill(by);

test("one reading gives no rate", () => {
  assert.equal(follow([]).perSecond, undefined);
});

test("two readings give the rate between them", () => {
  const arrivals = follow([100]);
  assert.equal(arrivals.perSecond, 50);
  assert.equal(arrivals.arrivedAt, 2_000);
});

test("a steady stream keeps its rate", () => {
  assert.equal(follow(times(50, 100)).perSecond, 50);
});

test("three readings show most of a tenfold rise, and little of a fall to zero", () => {
  const steady = follow(times(5, 100));
  const risen = follow(times(3, 1_000), steady).perSecond!;
  assert.ok(risen > 350 && risen < 500, `${risen}`);
  const fallen = follow(times(3, 0), steady).perSecond!;
  assert.ok(fallen > 40 && fallen < 50, `${fallen}`);
});

test("the rate of a stream without arrivals falls to 0, and the time of the last arrival stays", () => {
  const arrivals = follow(times(600, 0), follow([100]));
  assert.equal(arrivals.perSecond, 0);
  assert.equal(arrivals.arrivedAt, 2_000);
});

test("a long gap between two readings counts with its length", () => {
  const steady = follow(times(5, 100));
  const after = updateArrivals(steady, { created: "one", lastSequence: steady.lastSequence + 50 * 120 }, steady.readAt + 120_000);
  assert.ok(Math.abs(after.perSecond! - 50) < 1e-9, `${after.perSecond}`);
});

for (const [what, created, lastSequence] of [
  ["that was recreated", "two", 7],
  ["that was recreated and is longer already", "two", 9_000],
  ["whose sequence went back", "one", 7],
] as const)
  test(`a stream ${what} keeps its rate and counts from there`, () => {
    const steady = follow(times(5, 100));
    const recreated = updateArrivals(steady, { created, lastSequence }, steady.readAt + 2_000);
    assert.equal(recreated.perSecond, 50);
    const next = updateArrivals(recreated, { created, lastSequence: lastSequence + 100 }, recreated.readAt + 2_000);
    assert.equal(next.perSecond, 50);
  });

test("a second reading at the same moment changes nothing", () => {
  const steady = follow(times(5, 100));
  assert.deepEqual(updateArrivals(steady, { created: "one", lastSequence: steady.lastSequence + 5 }, steady.readAt), steady);
});

/** Tasks arrive and are published at these rates, the rest waits in the outbox; readings every 2 s, reports every 5 s. */
function followOutbox(seconds: number, { arriving, published }: { arriving: number; published: number }, from: Arrivals): Arrivals {
  let arrivals = from;
  const began = from.readAt;
  const dueAt = (at: number) => Math.max(0, (from.due?.count ?? 0) + ((arriving - published) * (at - began)) / 1_000);
  for (let at = began + 2_000; at <= began + seconds * 1_000; at += 2_000) {
    const reportedAt = Math.floor((at - 700) / 5_000) * 5_000 + 700;
    const due = reportedAt > began ? { count: dueAt(reportedAt), at: reportedAt } : from.due;
    const lastSequence = from.lastSequence + (published * (at - began)) / 1_000;
    arrivals = updateArrivals(arrivals, { created: "one", lastSequence, due }, at);
  }
  return arrivals;
}
const near = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 0.01 * expected, `${actual}, not ${expected}`);

test("what is published from the outbox does not arrive again", () => {
  const steady = { ...follow(times(20, 40)), due: { count: 0, at: 39_000 }, sequenceAtDue: 1_780 };
  const risen = followOutbox(60, { arriving: 100, published: 20 }, steady);
  near(risen.perSecond, 100);
  const draining = followOutbox(60, { arriving: 100, published: 150 }, risen);
  near(draining.perSecond, 100);
});

test("a batch that becomes due at once arrives once", () => {
  const steady = { ...follow(times(20, 40)), due: { count: 0, at: 39_000 }, sequenceAtDue: 1_780 };
  const begun = updateArrivals(steady, { created: "one", lastSequence: 1_840, due: { count: 5_000, at: 41_000 } }, 42_000);
  assert.ok(begun.perSecond! > 500, `${begun.perSecond}`);
  const drained = followOutbox(90, { arriving: 20, published: 60 }, begun);
  assert.ok(drained.perSecond! < begun.perSecond! / 4, `${drained.perSecond}`);
});

test("without a new report the rate is measured by the stream again", () => {
  const steady = { ...follow(times(20, 40)), due: { count: 0, at: 39_000 }, sequenceAtDue: 1_780 };
  const risen = followOutbox(20, { arriving: 100, published: 20 }, steady);
  let alone: Arrivals = risen;
  for (let i = 0; i < 100; i++)
    alone = updateArrivals(alone, { created: "one", lastSequence: alone.lastSequence + 60 }, alone.readAt + 2_000);
  near(alone.perSecond, 30);
});

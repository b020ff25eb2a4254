import assert from "node:assert/strict";
import { test } from "node:test";
import { CLEAN_ROUNDS_MIN, counted, isClean, type Round, ratioOf, type Side, takeRounds, totalCpuUs } from "./rounds.ts";

const slice = (perSecond: number, cores = 0, stolenShare = 0) => ({
  perSecond,
  cpuUs: { a: 10, b: 5 },
  instrumentUs: { load: 100 },
  other: { cores, stolenShare },
});
const round = (x: number, y: number, cores = 0): Round => ({ x: slice(x), y: slice(y, cores) });

test("a round is clean when other programs disturbed none of its slices", () => {
  assert.ok(isClean(round(1, 1, 0.15)));
  assert.ok(!isClean(round(1, 1, 0.16)));
  assert.ok(!isClean({ x: slice(1), y: slice(1, 0, 0.04) }));
});

test("disturbed rounds do not count, unless too few are left", () => {
  const clean = Array.from({ length: CLEAN_ROUNDS_MIN }, () => round(1, 1));
  const disturbed = round(9, 9, 1);
  assert.deepEqual(counted([disturbed, ...clean]), { rounds: clean, clean: CLEAN_ROUNDS_MIN, busy: false });
  const few = [disturbed, ...clean.slice(1)];
  assert.deepEqual(counted(few), { rounds: few, clean: CLEAN_ROUNDS_MIN - 1, busy: true });
});

test("a ratio is the median of the rounds' own ratios, not the ratio of medians", () => {
  const rounds = [round(10, 100), round(300, 1_000), round(200, 400)];
  const { median, min, max } = ratioOf(
    rounds,
    (r) => r.x!.perSecond,
    (r) => r.y!.perSecond,
  );
  assert.deepEqual([median, min, max], [0.3, 0.1, 0.5]);
});

test("the CPU time of instruments is in no sum", () => assert.equal(totalCpuUs(slice(1)), 15));

/** Sides that record when they run and use no CPU time. */
function scripted(perSecond: Record<string, number>) {
  const ran: [string, number][] = [];
  const sides = Object.entries(perSecond).map(([name, rate]): Side => {
    const run = async (items: number) => {
      ran.push([name, items]);
      return { items, ms: (items / rate) * 1_000 };
    };
    return { name, processes: { bench: process.pid }, instruments: {}, run };
  });
  return { sides, ran };
}

test("takes a round at least, and sizes each side's slices by its own rate", async () => {
  const { sides, ran } = scripted({ fast: 100_000, slow: 10 });
  const lines: string[] = [];
  const rounds = await takeRounds(sides, { rounds: 8, endsAt: Number.NEGATIVE_INFINITY, say: (line) => lines.push(line) });
  assert.deepEqual([rounds.length, lines.length], [1, 1]);
  assert.equal(Math.round(rounds[0]!.fast!.perSecond), 100_000);
  assert.deepEqual(ran.slice(2), [
    ["fast", 125_000],
    ["slow", 300],
    ["fast", 125_000],
    ["slow", 300],
  ]);
});

test("alternates the order of the sides", async () => {
  const { sides, ran } = scripted({ x: 1_000, y: 1_000 });
  let now = 0;
  const rounds = await takeRounds(sides, { rounds: 2, endsAt: Number.POSITIVE_INFINITY, say: () => void now++ });
  assert.equal(rounds.length, now);
  const order = ran.slice(4, 8).map(([name]) => name);
  assert.deepEqual(order, ["x", "y", "y", "x"]);
});

test("prepares each slice, with its number of items", async () => {
  const { sides, ran } = scripted({ x: 1_000 });
  const prepared: number[] = [];
  const side: Side = { ...sides[0]!, prepare: async (items) => void prepared.push(items) };
  await takeRounds([side], { rounds: 1, endsAt: Number.NEGATIVE_INFINITY, say: () => {} });
  assert.deepEqual(
    prepared,
    ran.map(([, items]) => items),
  );
});

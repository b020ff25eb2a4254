import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { mixedChannelOf } from "../load-mix.ts";
import { FATE } from "../programs/mixed-load.ts";
import { fatesOf, type MixedRun } from "./sustained-run.ts";
import { faultsIn, holdRate } from "./sustained-search.ts";

const kept = { accepted: 100_000, rejected: 0, unclear: 0, lost: 0, twice: 0, rejectedArrived: 0, arrived: {} as Record<Channel, number> };
const latency = { p50: 5, p99: 50, max: 90 };
const run = (over: Partial<MixedRun> & { acceptP99?: number } = {}): MixedRun => ({
  ...{ perSecond: 1_000, seconds: 100, isGivenUp: false, fates: kept, arrivalMs: latency, lagMs: 100, receipts: { told: 0, givenUp: 0 } },
  report: { fates: "", startUs: 0, unaryMs: { ...latency, p99: over.acceptP99 ?? 50 }, batchMs: latency, lateMsMax: 0 },
  ...{ coreShare: {}, other: { cores: 0, stolenShare: 0 }, memory: {} },
  ...over,
});

test("what callers were told is compared with what arrived", () => {
  const { accepted, rejected, unclear, none } = FATE;
  const fates = Uint8Array.of(accepted, accepted, accepted, rejected, rejected, unclear, none);
  const arrivals = [1, 0, 2, 0, 1, 1, 0];
  const times = Object.fromEntries(
    CHANNELS.map((channel) => [channel, Uint8Array.from(arrivals, (count, n) => (mixedChannelOf(n) === channel ? count : 0))]),
  ) as Record<Channel, Uint8Array>;
  const { arrived, ...counts } = fatesOf(fates, times);
  assert.deepEqual(counts, { accepted: 3, rejected: 2, unclear: 1, lost: 1, twice: 1, rejectedArrived: 1 });
  assert.equal(
    Object.values(arrived).reduce((a, b) => a + b),
    5,
  );
});

test("a run holds its rate only within every limit", () => {
  assert.deepEqual(faultsIn(run()), []);
  const bad: [Partial<MixedRun> & { acceptP99?: number }, RegExp][] = [
    [{ isGivenUp: true }, /ended early/],
    [{ acceptP99: 1_500 }, /accepted after 1500 ms/],
    [{ lagMs: 2_500 }, /2500 ms late/],
    [{ fates: { ...kept, lost: 1 } }, /1 lost/],
    [{ fates: { ...kept, twice: 2 } }, /2 arrived more than once/],
    [{ fates: { ...kept, rejected: 200 } }, /200 rejected/],
    [{ receipts: { told: 5, givenUp: 1 } }, /1 receipts were not taken/],
  ];
  for (const [over, fault] of bad) assert.match(faultsIn(run(over)).join(), fault);
});

test("memory that goes on growing is no held rate, but a heap that finds its size in the first minutes is", () => {
  const points = (mib: (share: number) => number) => Array.from({ length: 120 }, (_, i) => [5 * (i + 1), mib(i / 119)] as const);
  const of = (mib: (share: number) => number) => faultsIn(run({ seconds: 600, memory: { gateway: points(mib) } }));
  assert.match(of((share) => 100 + 200 * share).join(), /gateway grew to 1\d\d % of its size/);
  assert.deepEqual(
    of((share) => Math.min(200, 100 + 1_000 * share)),
    [],
  );
});

/** A machine that holds what is below `limit`; counts the runs. */
async function searched(limit: number, slow: (run: number) => boolean = () => false, longLimit = limit) {
  const runs: string[] = [];
  const at = (kind: "trial" | "long", most: number) => async (perSecond: number) => {
    runs.push(`${kind} ${perSecond}`);
    return run({ perSecond, lagMs: perSecond > most || slow(runs.length) ? 9_000 : 100 });
  };
  const search = await holdRate(1_900, { trial: at("trial", limit), long: at("long", longLimit), say: () => undefined });
  return { search, runs };
}

test("a rate is tried twice before a lower one, and only the long run decides", async () => {
  const easy = await searched(2_000);
  assert.deepEqual(easy.runs, ["trial 1900", "long 1900"]);
  assert.ok(easy.search.isHeld);
  const once = await searched(2_000, (n) => n === 1);
  assert.deepEqual(once.runs, ["trial 1900", "trial 1900", "long 1900"]);
  const lower = await searched(2_000, undefined, 1_400);
  assert.deepEqual([lower.runs.at(-1), lower.search.isHeld], ["long 1380", true]);
  assert.equal(lower.search.tried.length, lower.runs.length);
});

test("the search ends where nothing is held, and at once where a promise is broken", async () => {
  const { search, runs } = await searched(0);
  assert.deepEqual([search.isHeld, runs.length], [false, 24]);
  const broken = await holdRate(1_900, {
    ...{ trial: async (perSecond) => run({ perSecond, fates: { ...kept, twice: 1 } }), say: () => undefined },
    long: () => assert.fail("no long run"),
  });
  assert.deepEqual([broken.isHeld, broken.tried.length], [false, 1]);
});

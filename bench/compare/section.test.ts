import assert from "node:assert/strict";
import { test } from "node:test";
import type { Round, Side } from "./rounds.ts";
import { cpu, rate, summarize } from "./section.ts";

const sides: Pick<Side, "name" | "processes" | "instruments">[] = [
  { name: "bare", processes: { server: 1 }, instruments: { load: 3 } },
  { name: "ours", processes: { server: 1, store: 2 }, instruments: { load: 3 } },
];
const round = (bare: number, ours: number, cores: number): Round => ({
  bare: { perSecond: bare, cpuUs: { server: 10 }, instrumentUs: { load: 1 }, other: { cores, stolenShare: 0 } },
  ours: { perSecond: ours, cpuUs: { server: 30, store: 20 }, instrumentUs: { load: 2 }, other: { cores: 0, stolenShare: 0 } },
});
const comparisons = [
  { what: "rate", over: rate("ours"), under: rate("bare") },
  { what: "CPU of all", over: cpu("ours"), under: cpu("bare") },
  { what: "CPU of the server", over: cpu("ours", "server"), under: cpu("bare", "server") },
];

test("summarizes each side and each pair over the clean rounds", () => {
  const taken = [round(100, 50, 0), round(1, 1, 1), round(100, 40, 0.1), round(200, 50, 0), round(100, 30, 0)];
  const section = summarize("what?", taken, sides, comparisons);
  assert.deepEqual([section.question, section.rounds, section.clean, section.busy], ["what?", 5, 4, false]);
  assert.deepEqual(
    section.rows.map((r) => [r.side, r.perSecond.median, r.cpuUsTotal.median, r.cpuUs.store?.median, r.instrumentUs.load?.median]),
    [
      ["bare", 100, 10, undefined, 1],
      ["ours", 45, 50, 20, 2],
    ],
  );
  assert.deepEqual(
    section.ratios.map(({ what, ratio }) => [what, ratio.median, ratio.min, ratio.max, ratio.n]),
    [
      ["rate", 0.35, 0.25, 0.5, 4],
      ["CPU of all", 5, 5, 5, 4],
      ["CPU of the server", 3, 3, 3, 4],
    ],
  );
  assert.equal(section.otherCores.max, 0.1);
});

test("a comparison with a side that does not exist is a mistake of the bench", () => {
  const wrong = [{ what: "?", over: rate("theirs"), under: rate("bare") }];
  assert.throws(() => summarize("what?", [round(1, 1, 0)], sides, wrong), /no side is called theirs/);
});

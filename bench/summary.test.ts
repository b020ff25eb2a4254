import assert from "node:assert/strict";
import { test } from "node:test";
import { shown, slicesOf, summaryOf } from "./summary.ts";

test("the median of an odd and of an even number of values, with the lowest, the highest and how many", () => {
  assert.deepEqual(summaryOf([3, 1, 2]), { median: 2, min: 1, max: 3, n: 3 });
  assert.deepEqual(summaryOf([10, 1, 2, 4]), { median: 3, min: 1, max: 10, n: 4 });
  assert.equal(shown(summaryOf([3, 1, 2]), 1), "2.0 (1.0-3.0)");
});

test("nothing measured is no figure", () => {
  assert.ok(Number.isNaN(summaryOf([]).median));
  assert.equal(summaryOf([]).n, 0);
});

test("rates and CPU time between readings, the first stretch left out", () => {
  const readings = [
    { count: 0, at: 0, cpu: [0] },
    { count: 100, at: 1_000, cpu: [900] },
    { count: 150, at: 1_100, cpu: [910] },
    { count: 200, at: 1_200, cpu: [920] },
    { count: 300, at: 1_600, cpu: [960] },
  ];
  const { perSecond, cpuMsEach } = slicesOf(readings, 100);
  assert.deepEqual(perSecond, { median: 375, min: 250, max: 500, n: 2 });
  assert.deepEqual(cpuMsEach, [{ median: 0.30000000000000004, min: 0.2, max: 0.4, n: 2 }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLS_MIN, createCallLimit, MEASURE_EVERY_MS } from "./call-limit.ts";
import { CALLS_MAX } from "./limits.ts";

/** A limit, and how it is after a time in which so many calls ended, with so many others under way. */
function setUp() {
  let now = 0;
  let busy = 0;
  const limit = createCallLimit({ clock: { monotonic: () => now }, utilization: () => busy });
  function after({
    ms = MEASURE_EVERY_MS,
    ended,
    utilization,
    left = 200,
  }: Record<"ended" | "utilization", number> & { ms?: number; left?: number }) {
    busy = utilization;
    for (let i = 0; i < ended; i++) limit.ended(i === 0 ? left : left + 50);
    now += ms;
    return limit.now();
  }
  return { limit, after };
}

test("a busy process has as many calls under way as it answers in 500 ms, within bounds", () => {
  const { limit, after } = setUp();
  assert.equal(limit.now(), CALLS_MAX);
  assert.equal(after({ ended: 400, utilization: 0.9 }), 800);
  assert.equal(after({ ms: 1_000, ended: 1_400, utilization: 0.75 }), 700);
  assert.equal(after({ ended: 10, utilization: 1 }), CALLS_MIN);
  assert.equal(after({ ended: 5_000, utilization: 1, left: 2_500 }), CALLS_MAX);
});

test("a busy process that keeps up has all places: few calls were under way at some moment", () => {
  const { after } = setUp();
  assert.equal(after({ ended: 400, utilization: 1, left: 199 }), CALLS_MAX);
  assert.equal(after({ ended: 400, utilization: 1, left: 200 }), 800);
  assert.equal(after({ ended: 400, utilization: 1, left: 0 }), CALLS_MAX);
  assert.equal(after({ ended: 0, utilization: 1 }), CALLS_MIN, "none was answered");
});

test("where calls wait for something else than the process, all places are free", () => {
  const { after } = setUp();
  assert.equal(after({ ended: 10, utilization: 1 }), CALLS_MIN);
  assert.equal(after({ ended: 10, utilization: 0.7 }), CALLS_MAX);
});

test("between two measurements the limit stays", () => {
  const { after } = setUp();
  assert.equal(after({ ended: 400, utilization: 1 }), 800);
  assert.equal(after({ ms: MEASURE_EVERY_MS - 1, ended: 10, utilization: 0 }), 800);
  assert.equal(after({ ms: 1, ended: 10, utilization: 1 }), CALLS_MIN);
});

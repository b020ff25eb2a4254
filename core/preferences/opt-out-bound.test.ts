import assert from "node:assert/strict";
import { test } from "node:test";
import { OPT_OUT_BOUND, OPT_OUT_BOUND_MS } from "./opt-out-bound.ts";

test("the terms of an opt-out's bound add up to it", () => {
  const sum = Object.values(OPT_OUT_BOUND).reduce((total, ms) => total + ms, 0);
  assert.equal(sum, OPT_OUT_BOUND_MS);
  assert.equal(OPT_OUT_BOUND_MS, 5_000, "the promise of the README");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createCallBudget } from "./call-budget.ts";

test("allows a number of calls in any period, then returns the time until the next one", () => {
  const clock = createFakeClock();
  const budget = createCallBudget({ calls: 2, periodMs: 60_000 }, clock);
  assert.equal(budget.spend(), undefined);
  clock.advance(20_000);
  assert.equal(budget.spend(), undefined);
  assert.equal(budget.spend(), 40_000);
  clock.advance(39_999);
  assert.equal(budget.spend(), 1, "a rejection counts for nothing");
  clock.advance(1);
  assert.equal(budget.spend(), undefined);
  assert.equal(budget.spend(), 20_000);
});

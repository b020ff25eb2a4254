import assert from "node:assert/strict";
import { test } from "node:test";
import { summaryOf } from "../summary.ts";
import { budgetsOf, FLOORS } from "./budgets.ts";
import type { Figure } from "./figure.ts";
import { TARGETS } from "./targets.ts";

const figures = (us: number, without?: keyof typeof FLOORS): Figure[] =>
  Object.entries(FLOORS).flatMap(([part, [side, process]]) =>
    part === without ? [] : [{ row: "floors", what: `CPU of one, ${side}, ${process}`, unit: "us", value: summaryOf([us]) }],
  );

test("what a must leaves, and what the bare parts need, follow from the measured parts", () => {
  const rows = budgetsOf(figures(10), TARGETS);
  assert.deepEqual(
    rows.map(({ row, allowedUs, partsUs }) => [row, Math.round(allowedUs * 10) / 10, partsUs]),
    [
      ["T1", 22.2, 40],
      ["T2", 5, 40],
      ["T5", 12.5, 20],
      ["T9", 40, 60],
    ],
  );
});

test("where a part was not measured, nothing is said of the rows that need it", () => {
  assert.deepEqual(
    budgetsOf(figures(10, "settle"), TARGETS).map(({ row }) => row),
    ["T1", "T2", "T5"],
  );
  assert.deepEqual(budgetsOf([], TARGETS), []);
});

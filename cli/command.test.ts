import assert from "node:assert/strict";
import { test } from "node:test";
import { count, positive, UsageError } from "./command.ts";

const isUsage = (words: RegExp) => (error: unknown) => error instanceof UsageError && words.test(error.message);

test("a number of an option is decimal digits: what JavaScript would read besides is an error that names the option and its rule", () => {
  assert.deepEqual([count("1", "--limit", 500), count("0500", "--limit", 500), count(50, "--limit", 500)], [1, 500, 50]);
  assert.deepEqual([positive("0.5", "--rate", 100), positive("100", "--rate", 100), positive(7, "--rate", 100)], [0.5, 100, 7]);
  for (const wrong of [
    "",
    " ",
    "0",
    "-1",
    "501",
    "1.5",
    "1e2",
    "0x10",
    "0b1",
    " 5",
    "5 ",
    "+5",
    "1_0",
    "Infinity",
    "NaN",
    "9".repeat(10_000),
  ])
    assert.throws(() => count(wrong, "--limit", 500), isUsage(/^--limit must be an integer from 1 to 500$/), wrong);
  for (const wrong of ["", " ", "0", "0.0", "-1", "100.5", "1e1", "0x10", ".5", "5.", " 5", "+5", "Infinity", "NaN", "9".repeat(10_000)])
    assert.throws(() => positive(wrong, "--rate", 100), isUsage(/^--rate must be a number above 0 and at most 100$/), wrong);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter } from "./retry-after.ts";

const now = Date.UTC(2026, 10, 23, 12, 0, 0);
const rows: [string, string | string[] | undefined, number | undefined][] = [
  ["seconds", "7", 7_000],
  ["the first of several", ["2", "9"], 2_000],
  ["a date", "Mon, 23 Nov 2026 12:00:30 GMT", 30_000],
  ["a date gone by as at once", "Mon, 23 Nov 2026 11:00:00 GMT", 0],
  ["nothing", undefined, undefined],
  ["an empty text as nothing", " ", undefined],
  ["nonsense as nothing", "soon", undefined],
];
for (const [name, header, expected] of rows)
  test(`reads ${name}`, () => {
    assert.equal(parseRetryAfter(header, now), expected);
  });

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIsoTime, parseMoment } from "./moment.ts";

const MOMENTS: readonly [text: string, at: number | undefined][] = [
  ["1970-01-01T00:00:01Z", 1_000],
  ["1970-01-01t01:00:00.5+01:00", 500],
  ["2028-02-29T00:00:00Z", Date.UTC(2028, 1, 29)],
  ["2000-02-29T23:59:59Z", Date.UTC(2000, 1, 29, 23, 59, 59)],
  ["2027-02-29T00:00:00Z", undefined],
  ["2100-02-29T00:00:00Z", undefined],
  ["2027-02-30T00:00:00Z", undefined],
  ["2027-04-31T12:00:00+02:00", undefined],
  ["2027-01-32T00:00:00Z", undefined],
  ["2027-00-10T00:00:00Z", undefined],
  ["2027-01-00T00:00:00Z", undefined],
  ["2027-13-01T00:00:00Z", undefined],
  ["2027-01-31T24:00:00Z", undefined],
  ["2027-01-31T23:60:00Z", undefined],
  ["2027-01-31T23:59:60Z", undefined],
  ["2027-01-31T10:00:00+24:00", undefined],
  ["0000-06-01T00:00:00Z", undefined],
  ["9999-12-31T23:59:59Z", Date.UTC(9999, 11, 31, 23, 59, 59)],
  ["9999-12-31T23:59:59-00:01", undefined],
  ["2027-01-31T10:00:00", undefined],
  ["2027-01-31", undefined],
  ["soon", undefined],
];

test("a moment is one that exists, with a zone", () => {
  for (const [text, at] of MOMENTS) assert.equal(parseMoment(text), at, text);
});

test("a date alone is its midnight in UTC", () => {
  assert.equal(parseIsoTime("2028-02-29"), Date.UTC(2028, 1, 29));
  assert.equal(parseIsoTime("2027-02-29"), undefined);
});

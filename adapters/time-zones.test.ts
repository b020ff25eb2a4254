import assert from "node:assert/strict";
import { test } from "node:test";
import { createOffsets } from "./time-zones.ts";

const HOUR_MS = 3_600_000;
const offsetAt = createOffsets();

for (const [timeZone, instant, hours] of [
  ["UTC", "2026-07-01T00:00:00Z", 0],
  ["Europe/London", "2026-01-01T00:00:00Z", 0],
  ["Europe/Berlin", "2026-07-01T00:00:00Z", 2],
  ["Asia/Kolkata", "2026-07-01T00:00:00Z", 5.5],
  ["America/St_Johns", "2026-01-01T00:00:00Z", -3.5],
  ["Pacific/Kiritimati", "2026-01-01T00:00:00Z", 14],
  ["Pacific/Niue", "2026-01-01T00:00:00Z", -11],
] as const)
  test(`knows that ${timeZone} is ${hours} h from UTC at ${instant}`, () => {
    assert.equal(offsetAt(timeZone, Date.parse(instant)), hours * HOUR_MS);
  });

test("changes the offset in the millisecond in which clocks change", () => {
  const change = Date.parse("2026-03-29T01:00:00Z");
  assert.deepEqual(
    [change - 1, change].map((instant) => offsetAt("Europe/Berlin", instant)),
    [HOUR_MS, 2 * HOUR_MS],
  );
});

test("reads the seconds of times long ago", () => {
  assert.equal(offsetAt("Europe/London", Date.parse("1840-01-01T00:00:00Z")), -75_000);
});

test("knows no offset of a zone that does not exist", () => {
  for (const none of ["Asia/Nowhere", "", "not a zone"]) assert.equal(offsetAt(none, 0), undefined);
});

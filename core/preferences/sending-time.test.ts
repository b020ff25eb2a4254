import assert from "node:assert/strict";
import { test } from "node:test";
import type { OffsetAt } from "../ports/time-zones.ts";
import { type ClosedHours, keepsQuietHours, openAt, quietHoursOf } from "./sending-time.ts";

const HOUR_MS = 3_600_000;
/** Zones of this test are called by their difference to UTC in hours. */
const offsetAt: OffsetAt = (zone) => (zone === "none" ? undefined : Number(zone) * HOUR_MS);
const hours = (from: number, until: number, timeZone = "0"): ClosedHours => ({ fromMinute: from * 60, untilMinute: until * 60, timeZone });
const at = (hour: number) => Date.UTC(2026, 5, 1, hour);
const opens = (closed: readonly ClosedHours[], hour: number) => (openAt(closed, at(hour), offsetAt) - at(0)) / HOUR_MS;

test("only what is critical, or of a category that says so, is sent in quiet hours; marketing never is", () => {
  for (const [notificationClass, quietHours, isKept] of [
    ["critical", undefined, false],
    ["critical", "wait", false],
    ["transactional", undefined, true],
    ["transactional", "wait", true],
    ["transactional", "send", false],
    ["marketing", undefined, true],
    ["marketing", "wait", true],
    ["marketing", "send", true],
  ] as const)
    assert.equal(keepsQuietHours(notificationClass, quietHours && { quietHours }), isKept, `${notificationClass} ${quietHours}`);
  assert.deepEqual([keepsQuietHours("critical", undefined), keepsQuietHours("transactional", undefined)], [false, true]);
});

test("quiet hours hold only with a time zone", () => {
  const quietHours = { fromMinute: 1_320, untilMinute: 420 };
  assert.deepEqual(quietHoursOf({ quietHours, timeZone: "Asia/Seoul" }), { ...quietHours, timeZone: "Asia/Seoul" });
  for (const profile of [{ quietHours }, { timeZone: "Asia/Seoul" }, {}]) assert.equal(quietHoursOf(profile), undefined);
});

test("it may be sent now where nothing is closed", () => {
  assert.equal(opens([], 3), 3);
  assert.equal(opens([hours(22, 7)], 12), 12);
  assert.equal(opens([hours(0, 23, "none")], 12), 12);
});

test("where hours overlap or follow one another, it may be sent after the last of them", () => {
  const [quiet, law] = [hours(22, 7), hours(21, 8)];
  for (const closed of [
    [quiet, law],
    [law, quiet],
  ])
    assert.deepEqual(
      [20, 21, 23, 31, 32].map((hour) => opens(closed, hour)),
      [20, 32, 32, 32, 32],
    );
  assert.equal(opens([hours(8, 10), hours(10, 12), hours(12, 13)], 9), 13);
});

test("hours of two time zones hold both", () => {
  // 22:00 to 07:00 at UTC+9 are 13:00 to 22:00, and at UTC 22:00 to 07:00: together from 13:00 to 07:00.
  assert.equal(opens([hours(22, 7, "9"), hours(22, 7)], 14), 31);
  assert.equal(opens([hours(22, 7, "9"), hours(22, 7)], 12), 12);
});

test("hours that leave no moment free never end", () => {
  assert.equal(openAt([hours(22, 8), hours(8, 22)], at(3), offsetAt), Number.POSITIVE_INFINITY);
});

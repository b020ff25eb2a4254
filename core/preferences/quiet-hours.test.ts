import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOffsets } from "../../adapters/time-zones.ts";
import type { QuietHours } from "./profile.ts";
import { quietUntil } from "./quiet-hours.ts";

const offsetAt = createOffsets();

const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
/** From a text such as "22:00-07:00". */
const hours = (text: string): QuietHours => ({ fromMinute: minutes(text.slice(0, 5)), untilMinute: minutes(text.slice(6)) });

/** Zone, quiet hours, a moment, and when they end; undefined: it is in none. */
type Row = readonly [zone: string, quiet: string, at: string, until: string | undefined, why: string];

const ORDINARY: readonly Row[] = [
  ["Asia/Seoul", "22:00-07:00", "2026-06-01T21:59:59.999+09:00", undefined, "before they begin"],
  ["Asia/Seoul", "22:00-07:00", "2026-06-01T22:00:00.000+09:00", "2026-06-02T07:00+09:00", "their first moment"],
  ["Asia/Seoul", "22:00-07:00", "2026-06-02T06:59:59.999+09:00", "2026-06-02T07:00+09:00", "their last moment, on the day after"],
  ["Asia/Seoul", "22:00-07:00", "2026-06-02T07:00:00.000+09:00", undefined, "the end is not included"],
  ["Asia/Seoul", "13:00-14:30", "2026-06-01T13:00:00+09:00", "2026-06-01T14:30+09:00", "within one day"],
  ["Asia/Seoul", "13:00-14:30", "2026-06-01T14:30:00+09:00", undefined, "after those of one day"],
  ["Asia/Seoul", "00:00-06:00", "2026-06-01T00:00:00+09:00", "2026-06-01T06:00+09:00", "from midnight"],
  ["Asia/Seoul", "18:00-00:00", "2026-06-01T23:59:59+09:00", "2026-06-02T00:00+09:00", "until midnight"],
  ["Asia/Seoul", "18:00-00:00", "2026-06-02T00:00:00+09:00", undefined, "from midnight on not"],
  ["Asia/Seoul", "07:01-07:00", "2026-06-01T07:00:59+09:00", undefined, "the one minute of a day that is none"],
  ["Asia/Seoul", "07:00-07:00", "2026-06-01T07:00:00+09:00", undefined, "equal minutes are none"],
  ["Asia/Nowhere", "00:00-23:59", "2026-06-01T07:00:00+09:00", undefined, "an unknown zone has none"],
  ["Pacific/Kiritimati", "22:00-07:00", "2026-06-01T23:00+14:00", "2026-06-02T07:00+14:00", "far ahead of UTC"],
  ["Pacific/Niue", "22:00-07:00", "2026-06-01T23:00-11:00", "2026-06-02T07:00-11:00", "far behind UTC"],
  ["Asia/Kolkata", "22:00-07:00", "2026-06-01T23:00+05:30", "2026-06-02T07:00+05:30", "half an hour off"],
];

/** Clocks go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October. */
const BERLIN: readonly Row[] = [
  ["Europe/Berlin", "22:00-07:00", "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00", "a night that is an hour shorter"],
  ["Europe/Berlin", "22:00-02:30", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00+02:00", "the end is left out: they end at the jump"],
  ["Europe/Berlin", "22:00-02:30", "2026-03-29T03:00+02:00", undefined, "and not later"],
  ["Europe/Berlin", "22:00-02:00", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00+02:00", "the end is the jump itself"],
  ["Europe/Berlin", "22:00-03:00", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00+02:00", "the end is where the jump leads"],
  ["Europe/Berlin", "02:30-07:00", "2026-03-29T01:59:59+01:00", undefined, "the beginning is left out: not before the jump"],
  ["Europe/Berlin", "02:30-07:00", "2026-03-29T03:00+02:00", "2026-03-29T07:00+02:00", "but from the jump on"],
  ["Europe/Berlin", "02:15-02:45", "2026-03-29T03:00+02:00", undefined, "left out as a whole"],
  ["Europe/Berlin", "03:00-02:30", "2026-03-29T01:30+01:00", "2026-03-30T02:30+02:00", "two that meet at the jump are one"],
  ["Europe/Berlin", "22:00-07:00", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00", "a night that is an hour longer"],
  ["Europe/Berlin", "22:00-02:30", "2026-10-25T02:29+02:00", "2026-10-25T02:30+01:00", "the end is shown twice: the last counts"],
  ["Europe/Berlin", "22:00-02:30", "2026-10-25T02:45+02:00", "2026-10-25T02:30+01:00", "no gap between the two"],
  ["Europe/Berlin", "22:00-02:30", "2026-10-25T02:30+01:00", undefined, "and then they are over"],
  ["Europe/Berlin", "02:30-07:00", "2026-10-25T02:29+02:00", undefined, "before the beginning is shown first"],
  ["Europe/Berlin", "02:30-07:00", "2026-10-25T02:30+02:00", "2026-10-25T07:00+01:00", "the beginning is shown twice: the first counts"],
  ["Europe/Berlin", "02:30-07:00", "2026-10-25T02:15+01:00", "2026-10-25T07:00+01:00", "no gap in the repeated hour"],
  ["Europe/Berlin", "02:15-02:45", "2026-10-25T02:50+02:00", "2026-10-25T02:45+01:00", "repeated as a whole"],
];

/** From 02:00 to 03:00 on 8 March, from 02:00 to 01:00 on 1 November. */
const NEW_YORK: readonly Row[] = [
  ["America/New_York", "21:00-08:00", "2026-03-08T00:00-05:00", "2026-03-08T08:00-04:00", "a night that is an hour shorter"],
  ["America/New_York", "21:00-02:15", "2026-03-08T01:59-05:00", "2026-03-08T03:00-04:00", "the end is left out"],
  ["America/New_York", "02:15-08:00", "2026-03-08T03:00-04:00", "2026-03-08T08:00-04:00", "the beginning is left out"],
  ["America/New_York", "21:00-08:00", "2026-11-01T00:00-04:00", "2026-11-01T08:00-05:00", "a night that is an hour longer"],
  ["America/New_York", "21:00-01:30", "2026-11-01T01:29-04:00", "2026-11-01T01:30-05:00", "the end is shown twice"],
  ["America/New_York", "01:30-08:00", "2026-11-01T01:00-05:00", "2026-11-01T08:00-05:00", "the beginning is shown twice"],
];

/** In the south, at midnight: from 24:00 on 5 September to 01:00, and from 24:00 on 4 April to 23:00. */
const SANTIAGO: readonly Row[] = [
  ["America/Santiago", "22:00-07:00", "2026-09-05T23:00-04:00", "2026-09-06T07:00-03:00", "a night that is an hour shorter"],
  ["America/Santiago", "22:00-00:30", "2026-09-05T23:59-04:00", "2026-09-06T01:00-03:00", "the end is left out"],
  ["America/Santiago", "22:00-00:00", "2026-09-05T23:59-04:00", "2026-09-06T01:00-03:00", "midnight is left out"],
  ["America/Santiago", "00:00-06:00", "2026-09-06T01:00-03:00", "2026-09-06T06:00-03:00", "they begin at a midnight that is left out"],
  ["America/Santiago", "22:00-07:00", "2026-04-04T23:30-03:00", "2026-04-05T07:00-04:00", "a night that is an hour longer"],
  ["America/Santiago", "20:00-23:30", "2026-04-04T23:45-03:00", "2026-04-04T23:30-04:00", "the end is shown twice"],
  ["America/Santiago", "23:30-07:00", "2026-04-04T23:15-04:00", "2026-04-05T07:00-04:00", "the beginning is shown twice"],
  ["America/Santiago", "20:00-00:00", "2026-04-04T23:30-04:00", "2026-04-05T00:00-04:00", "until the midnight after the repeated hour"],
];

/** Half an hour: from 02:00 to 02:30 on 4 October, from 02:00 to 01:30 on 5 April. */
const LORD_HOWE: readonly Row[] = [
  ["Australia/Lord_Howe", "22:00-07:00", "2026-10-03T23:00+10:30", "2026-10-04T07:00+11:00", "a night that is half an hour shorter"],
  ["Australia/Lord_Howe", "22:00-02:15", "2026-10-04T01:59+10:30", "2026-10-04T02:30+11:00", "the end is left out"],
  ["Australia/Lord_Howe", "02:15-07:00", "2026-10-04T02:30+11:00", "2026-10-04T07:00+11:00", "the beginning is left out"],
  ["Australia/Lord_Howe", "22:00-07:00", "2026-04-04T23:00+11:00", "2026-04-05T07:00+10:30", "a night that is half an hour longer"],
  ["Australia/Lord_Howe", "22:00-01:45", "2026-04-05T01:50+11:00", "2026-04-05T01:45+10:30", "the end is shown twice"],
  ["Australia/Lord_Howe", "01:45-07:00", "2026-04-05T01:35+10:30", "2026-04-05T07:00+10:30", "the beginning is shown twice"],
];

/** Clocks go back for Ramadan: from 03:00 to 02:00 on 15 February, and from 02:00 to 03:00 on 22 March. */
const CASABLANCA: readonly Row[] = [
  ["Africa/Casablanca", "22:00-07:00", "2026-02-14T23:00+01:00", "2026-02-15T07:00+00:00", "a night that is an hour longer"],
  ["Africa/Casablanca", "22:00-02:30", "2026-02-15T02:45+01:00", "2026-02-15T02:30+00:00", "the end is shown twice"],
  ["Africa/Casablanca", "02:30-07:00", "2026-02-15T02:00+00:00", "2026-02-15T07:00+00:00", "the beginning is shown twice"],
  ["Africa/Casablanca", "22:00-07:00", "2026-03-21T23:00+00:00", "2026-03-22T07:00+01:00", "a night that is an hour shorter"],
  ["Africa/Casablanca", "22:00-02:30", "2026-03-22T01:59+00:00", "2026-03-22T03:00+01:00", "the end is left out"],
  ["Africa/Casablanca", "02:30-07:00", "2026-03-22T03:00+01:00", "2026-03-22T07:00+01:00", "the beginning is left out"],
];

/** Clocks never change; on these days they do elsewhere. */
const SEOUL: readonly Row[] = [
  ["Asia/Seoul", "22:00-02:30", "2026-03-29T02:29+09:00", "2026-03-29T02:30+09:00", "no change in spring"],
  ["Asia/Seoul", "22:00-02:30", "2026-10-25T02:30+09:00", undefined, "no change in autumn"],
];

/** The whole of 30 December 2011 was left out. */
const APIA: readonly Row[] = [
  ["Pacific/Apia", "20:00-21:00", "2011-12-29T20:30-10:00", "2011-12-29T21:00-10:00", "before it"],
  ["Pacific/Apia", "22:00-07:00", "2011-12-29T23:00-10:00", "2011-12-31T07:00+14:00", "the nights before and after it are one"],
  ["Pacific/Apia", "22:00-07:00", "2011-12-31T01:00+14:00", "2011-12-31T07:00+14:00", "those that began on it go on after it"],
];

for (const [name, rows] of Object.entries({ ORDINARY, BERLIN, NEW_YORK, SANTIAGO, LORD_HOWE, CASABLANCA, SEOUL, APIA }))
  describe(`quiet hours, ${name.toLowerCase().replace("_", " ")}`, () => {
    for (const [zone, quiet, at, until, why] of rows)
      test(`${zone} ${quiet} at ${at}: ${why}`, () => {
        const end = quietUntil(hours(quiet), zone, Date.parse(at), offsetAt);
        assert.equal(end && new Date(end).toISOString(), until && new Date(until).toISOString());
      });
  });

/** What clocks show at a moment. */
const minuteShown = (zone: string, instant: number) =>
  Math.floor((((instant + offsetAt(zone, instant)!) % 86_400_000) + 86_400_000) / 60_000) % 1_440;
const isWithin = ({ fromMinute: from, untilMinute: until }: QuietHours, minute: number) =>
  from < until ? from <= minute && minute < until : minute >= from || minute < until;

const HOUR_MS = 3_600_000;

/** The hours of a year that begin with another offset than they end with. */
function changesOf(zone: string): number[] {
  const hoursOfYear = Array.from({ length: 8_760 }, (_, i) => Date.UTC(2026, 0, 1) + i * HOUR_MS);
  return hoursOfYear.filter((hour) => offsetAt(zone, hour) !== offsetAt(zone, hour + HOUR_MS));
}

describe("quiet hours around every change of the clocks", () => {
  const windows = ["22:00-07:00", "22:00-02:15", "02:15-07:00", "01:45-02:45", "00:00-00:15", "23:30-00:00", "13:00-14:00", "03:00-02:30"];
  for (const [zone, changes] of [
    ["Europe/Berlin", 2],
    ["America/New_York", 2],
    ["America/Santiago", 2],
    ["Australia/Lord_Howe", 2],
    ["Africa/Casablanca", 2],
    ["Asia/Seoul", 0],
  ] as const)
    test(`${zone}: whenever clocks show a quiet minute it is quiet, and at each end no longer`, () => {
      const around = changesOf(zone);
      // At least: governments change their minds, and the data of later versions may know of more.
      assert.ok(around.length >= changes);
      for (const change of [...around, Date.UTC(2026, 2, 29)])
        for (const quiet of windows.map(hours))
          for (let at = change - 36 * HOUR_MS; at < change + 36 * HOUR_MS; at += HOUR_MS / 4) {
            const end = quietUntil(quiet, zone, at, offsetAt);
            const when = `${new Date(at).toISOString()} ${JSON.stringify(quiet)}`;
            if (isWithin(quiet, minuteShown(zone, at))) assert.ok(end !== undefined, when);
            if (end === undefined) continue;
            // Two days where two of them meet.
            assert.ok(end > at && end <= at + 49 * HOUR_MS, when);
            assert.equal(quietUntil(quiet, zone, end, offsetAt), undefined, when);
          }
    });
});

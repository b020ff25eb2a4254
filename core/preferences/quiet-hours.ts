import { DAY_MS } from "../delivery/lifetime.ts";
import type { OffsetAt } from "../ports/time-zones.ts";
import type { QuietHours } from "./profile.ts";

const MINUTE_MS = 60_000;

/**
 * When the quiet hours that include this moment end; undefined: it is in none. Both in ms since the epoch. Equal minutes are no quiet hours, and neither are
 * those of an unknown time zone.
 *
 * On days when clocks change, they begin when clocks first show `fromMinute` and end when clocks last show `untilMinute`. So an hour that is repeated
 * does not interrupt them. A time that clocks leave out counts as the moment of the jump. Pure.
 */
export function quietUntil({ fromMinute, untilMinute }: QuietHours, timeZone: string, now: number, offsetAt: OffsetAt): number | undefined {
  if (fromMinute === untilMinute) return undefined;
  const shownAt = offsetsAround(timeZone, now, offsetAt);
  if (shownAt === undefined) return undefined;
  const today = Math.floor((now + shownAt(now)) / DAY_MS);
  const nights = untilMinute < fromMinute ? 1 : 0;
  let end: number | undefined;
  // Yesterday's may last until today. Where two of them meet, as after an hour that clocks left out, they are one.
  for (const day of [today - 1, today, today + 1]) {
    const from = instantsOf(day * DAY_MS + fromMinute * MINUTE_MS, shownAt).first;
    const until = instantsOf((day + nights) * DAY_MS + untilMinute * MINUTE_MS, shownAt).last;
    const at = end ?? now;
    if (from <= at && at < until) end = until;
  }
  return end;
}

/** From yesterday's quiet hours to the end of tomorrow's, give or take the difference to UTC. */
const AROUND_MS = 4 * DAY_MS;

/** The offsets of one zone near a moment. On most days they are all the same, and are asked for three times instead of 20. */
function offsetsAround(timeZone: string, now: number, offsetAt: OffsetAt): ((instant: number) => number) | undefined {
  const offset = offsetAt(timeZone, now);
  if (offset === undefined) return undefined;
  const isSteady = [now - AROUND_MS, now + AROUND_MS].every((instant) => offsetAt(timeZone, instant) === offset);
  return isSteady ? () => offset : (instant) => offsetAt(timeZone, instant) ?? offset;
}

/**
 * When clocks show this local time, given as if it were UTC: one moment, or both of a repeated hour. For a time that they leave out, the
 * moment of the jump.
 */
function instantsOf(local: number, shownAt: (instant: number) => number): { first: number; last: number } {
  // No zone is a day ahead of UTC or behind it, and none changes its clocks twice in two days.
  const [before, after] = [shownAt(local - DAY_MS), shownAt(local + DAY_MS)];
  const instants = [before, after].map((offset) => local - offset).filter((instant) => instant + shownAt(instant) === local);
  if (instants.length > 0) return { first: Math.min(...instants), last: Math.max(...instants) };
  const jump = changeBetween(local - after, local - before, (instant) => shownAt(instant) === before);
  return { first: jump, last: jump };
}

/** The first moment after `from`, and at `until` at the latest, at which `isBefore` no longer holds. */
function changeBetween(from: number, until: number, isBefore: (instant: number) => boolean): number {
  let [low, high] = [from, until];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isBefore(middle)) low = middle;
    else high = middle;
  }
  return high;
}

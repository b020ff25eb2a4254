import assert from "node:assert/strict";
import { test } from "node:test";
import { FREE, followHold, type Hold, isProviderAway, type ProviderView } from "./hold.ts";

const view = (recent: [called: number, failed: number], newest = recent, parked = 0): ProviderView => ({
  recent: { called: recent[0], failed: recent[1] },
  newest: { called: newest[0], failed: newest[1] },
  parked,
});

const AWAY: readonly [what: string, view: ProviderView, wasAway: boolean, away: boolean][] = [
  ["no calls tell nothing", view([0, 0]), false, false],
  ["half of the calls failing is not yet an outage", view([100, 50]), false, false],
  ["more than half is", view([100, 51]), false, true],
  ["the newest calls show it first", view([100, 20], [30, 16]), false, true],
  ["the calls before still count when the newest go well", view([100, 60], [20, 0]), true, true],
  ["all is well when most go well again", view([100, 40], [30, 0]), true, false],
  ["an outage in which nobody calls any more goes on while tasks are parked", view([0, 0], [0, 0], 5), true, true],
  ["and ends with them", view([0, 0]), true, false],
  ["parked tasks alone are none", view([0, 0], [0, 0], 5), false, false],
];
for (const [what, given, wasAway, away] of AWAY)
  test(what, () => {
    assert.equal(isProviderAway(given, wasAway), away);
  });

const AT_REST = 12;

/** The rates given out for wanted ones, a reading every 2 s. */
function rates(wanted: readonly (number | { away: number })[]): number[] {
  let hold: Hold = FREE;
  return wanted.map((each, i) => {
    const [away, perSecond] = typeof each === "number" ? [false, each] : [true, each.away];
    const next = followHold(hold, away, { perSecond, atRest: AT_REST }, i * 2_000);
    hold = next.hold;
    return next.perSecond;
  });
}

test("less is given at once, and more when it has been wanted for a while", () => {
  assert.deepEqual(rates([9, 3, 5, 5, 5, 7, 6, 6]), [9, 3, 3, 3, 5, 5, 5, 6]);
});

test("an outage holds the rate, and its end lets it go", () => {
  assert.deepEqual(rates([10, { away: 40 }, { away: 90 }, { away: 90 }, 95]), [10, 10, 10, 10, 95]);
});

test("what rose while the failures were counted falls back", () => {
  assert.deepEqual(rates([10, 10, 14, 30, 30, { away: 40 }]), [10, 10, 10, 10, 14, 10]);
});

test("less is wanted in an outage too, and then as much as before again", () => {
  assert.deepEqual(rates([10, { away: 4 }, { away: 40 }]), [10, 4, 10]);
});

test("a rate of long ago is not what is kept", () => {
  assert.deepEqual(rates([1, ...Array<number>(10).fill(20), { away: 40 }]).at(-1), 20);
});

test("who begins in an outage keeps to what is wanted at rest, whatever has gathered", () => {
  assert.deepEqual(rates([{ away: 8 }, { away: 4_000 }]), [8, AT_REST]);
});

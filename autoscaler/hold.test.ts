import assert from "node:assert/strict";
import { test } from "node:test";
import { type Hold, isProviderFailing, NO_HOLD, type ProviderView, updateHold } from "./hold.ts";

const view = (recent: [called: number, failed: number], newest = recent, parked = 0): ProviderView => ({
  recent: { called: recent[0], failed: recent[1] },
  newest: { called: newest[0], failed: newest[1] },
  parked,
});

const FAILING: readonly [what: string, view: ProviderView, wasFailing: boolean, isFailing: boolean][] = [
  ["no calls are no outage", view([0, 0]), false, false],
  ["half of the calls failing is no outage", view([100, 50]), false, false],
  ["more than half of the calls failing is an outage", view([100, 51]), false, true],
  ["the newest calls alone show an outage", view([100, 20], [30, 16]), false, true],
  ["an outage lasts while the older calls show it, though the newest succeed", view([100, 60], [20, 0]), true, true],
  ["an outage ends when most calls succeed", view([100, 40], [30, 0]), true, false],
  ["an outage without calls lasts while tasks are parked", view([0, 0], [0, 0], 5), true, true],
  ["an outage without calls ends when no task is parked", view([0, 0]), true, false],
  ["parked tasks without calls are no outage", view([0, 0], [0, 0], 5), false, false],
];
for (const [what, given, wasFailing, isFailing] of FAILING)
  test(what, () => {
    assert.equal(isProviderFailing(given, wasFailing), isFailing);
  });

const WITHOUT_BACKLOG = 12;

/** The rates given out, for what the queue asks; `failing`: during an outage. One reading every 2 s. */
function rates(asked: readonly (number | { failing: number })[]): number[] {
  let hold: Hold = NO_HOLD;
  return asked.map((each, i) => {
    const [isFailing, perSecond] = typeof each === "number" ? [false, each] : [true, each.failing];
    const next = updateHold(hold, isFailing, { perSecond, withoutBacklog: WITHOUT_BACKLOG }, i * 2_000);
    hold = next.hold;
    return next.perSecond;
  });
}

test("a fall takes effect at once, a rise after it has lasted", () => {
  assert.deepEqual(rates([9, 3, 5, 5, 5, 7, 6, 6]), [9, 3, 3, 3, 5, 5, 5, 6]);
});

test("an outage holds the rate, and the end of the outage releases it", () => {
  assert.deepEqual(rates([10, { failing: 40 }, { failing: 90 }, { failing: 90 }, 95]), [10, 10, 10, 10, 95]);
});

test("a rise within the window of the failures is reverted", () => {
  assert.deepEqual(rates([10, 10, 14, 30, 30, { failing: 40 }]), [10, 10, 10, 10, 14, 10]);
});

test("during an outage the rate may fall, and rise again to its ceiling", () => {
  assert.deepEqual(rates([10, { failing: 4 }, { failing: 40 }]), [10, 4, 10]);
});

test("the ceiling comes from the window alone, not from older rates", () => {
  assert.deepEqual(rates([1, ...Array<number>(10).fill(20), { failing: 40 }]).at(-1), 20);
});

test("a process that starts during an outage does not exceed the rate without backlog", () => {
  assert.deepEqual(rates([{ failing: 8 }, { failing: 4_000 }]), [8, WITHOUT_BACKLOG]);
});

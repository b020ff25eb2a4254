import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Channel } from "../delivery/channel.ts";
import type { Category } from "./category.ts";
import { applyChange } from "./change.ts";
import { allRefused, changeTo, choosing, isChosen, paused, pausedUntil, resumed, takenBack } from "./choosing.ts";
import type { OptOut, PreferenceRecord } from "./opt-out.ts";

const NOW = 1_790_000_000_000;
const UNTIL = NOW + 30 * 86_400_000;
const of = { app: "shop", subject: "user:ann" };
const origin = { source: "preference-page" };
const categories: Category[] = [
  { name: "news", labels: {}, default: "opted-out" },
  { name: "orders", labels: {}, default: "opted-in" },
  { name: "social", labels: {}, default: "opted-in", channelsOff: ["sms"] },
];
const CHANNELS: Channel[] = ["email", "sms", "apns"];
const places = categories.flatMap((category) => CHANNELS.map((channel) => ({ channel, category, tenant: undefined })));

const recordOf = (optOuts: OptOut[], consents: OptOut[]): PreferenceRecord => ({
  ...of,
  version: 3,
  optOuts,
  consents,
  blocks: [],
  updatedAt: NOW,
});
const keyOf = ({ channel, category, until }: OptOut) => `${channel} ${category} ${until}`;
const sorted = (choices: readonly OptOut[]) => choices.map(keyOf).sort();
const apply = (record: PreferenceRecord, wanted: Pick<PreferenceRecord, "optOuts" | "consents">): PreferenceRecord => {
  const change = changeTo(record, wanted, origin);
  return change === undefined ? record : applyChange(record, { ...of, change, now: NOW })!;
};
const chosenPlaces = (record: PreferenceRecord, now = NOW) => places.map((place) => isChosen(record, place, now));

const about = fc.record({
  channel: fc.constantFrom(...CHANNELS, "*" as const),
  category: fc.constantFrom("news", "orders", "social", "*"),
});
/** Each key is refused, consented to, or neither, as stores hold it. */
const records = fc
  .uniqueArray(fc.tuple(about, fc.boolean()), { selector: ([{ channel, category }]) => `${channel} ${category}`, maxLength: 8 })
  .map((choices) =>
    recordOf(
      choices.filter(([, no]) => no).map(([c]) => c),
      choices.filter(([, no]) => !no).map(([c]) => c),
    ),
  );
const wishes = fc.array(fc.record({ place: fc.constantFrom(...places), isWanted: fc.boolean() }), { maxLength: 6 });
const check = (property: fc.IProperty<unknown>) => fc.assert(property as fc.IProperty<[unknown]>, { numRuns: 500, seed: 15 });

test("a place that was turned on or off is so, and no other changed", () => {
  check(
    fc.property(records, fc.constantFrom(...places), fc.boolean(), (record, place, isWanted) => {
      const after = apply(record, choosing(record, [{ place, isWanted }], NOW));
      const expected = chosenPlaces(record);
      expected[places.indexOf(place)] = isWanted;
      assert.deepEqual(chosenPlaces(after), expected);
    }),
  );
});

test("nothing comes during a pause, and after it what came before", () => {
  check(
    fc.property(records, (record) => {
      const during = apply(record, paused(record, UNTIL));
      assert.ok(chosenPlaces(during).every((isOn) => !isOn));
      assert.deepEqual(chosenPlaces(during, UNTIL), chosenPlaces(record));
      const back = apply(during, resumed(during, NOW));
      assert.deepEqual([sorted(back.optOuts), sorted(back.consents)], [sorted(record.optOuts), sorted(record.consents)]);
    }),
  );
});

test("choices during a pause hold after it, and let nothing through before", () => {
  check(
    fc.property(records, wishes, (record, wanted) => {
      const during = apply(record, paused(record, UNTIL));
      // Who gets nothing anyway has nothing to pause.
      if (pausedUntil(during, NOW) === undefined) return;
      const changed = apply(during, choosing(during, wanted, NOW));
      const without = apply(record, choosing(record, wanted, NOW));
      assert.ok(chosenPlaces(changed).every((isOn) => !isOn));
      assert.deepEqual(chosenPlaces(changed, UNTIL), chosenPlaces(without));
    }),
  );
});

test("each of the page's changes can be taken back", () => {
  const acts = fc.oneof(
    wishes.map((wanted) => (record: PreferenceRecord) => choosing(record, wanted, NOW)),
    fc.constant((record: PreferenceRecord) => paused(record, UNTIL)),
    fc.constant((record: PreferenceRecord) => resumed(record, NOW)),
    fc.constant((record: PreferenceRecord) => allRefused(record)),
  );
  check(
    fc.property(records, fc.boolean(), acts, (first, isPaused, act) => {
      const record = isPaused ? apply(first, paused(first, UNTIL)) : first;
      const change = changeTo(record, act(record), origin);
      if (change === undefined) return;
      const after = applyChange(record, { ...of, change, now: NOW })!;
      const back = apply(after, takenBack(after, after.lastChange));
      assert.deepEqual([sorted(back.optOuts), sorted(back.consents)], [sorted(record.optOuts), sorted(record.consents)]);
    }),
  );
});

test("everything off leaves nothing on, whatever was chosen", () => {
  check(
    fc.property(records, (record) => {
      assert.ok(chosenPlaces(apply(record, allRefused(record))).every((isOn) => !isOn));
    }),
  );
});

test("a pause shortens no refusal that lasts longer, and takes the place of a shorter one", () => {
  const everything: OptOut = { channel: "*", category: "*" };
  assert.deepEqual(paused({ optOuts: [everything], consents: [] }, UNTIL).optOuts, [everything]);
  const longer = { ...everything, until: UNTIL + 1 };
  assert.deepEqual(paused({ optOuts: [longer], consents: [] }, UNTIL).optOuts, [longer]);
  assert.deepEqual(paused({ optOuts: [{ ...everything, until: NOW + 1 }], consents: [] }, UNTIL).optOuts, [
    { ...everything, until: UNTIL },
  ]);
});

test("a pause is known while it lasts, also of who refused everything but one thing", () => {
  const news: OptOut = { channel: "email", category: "news" };
  const state = paused({ optOuts: [{ channel: "*", category: "*" }], consents: [news] }, UNTIL);
  assert.deepEqual([pausedUntil(state, NOW), pausedUntil(state, UNTIL)], [UNTIL, undefined]);
  assert.equal(pausedUntil({ optOuts: [{ ...news, until: UNTIL }], consents: [] }, NOW), undefined, "one category is not everything");
});

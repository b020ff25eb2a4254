import assert from "node:assert/strict";
import { test } from "node:test";
import { applyChange } from "./change.ts";
import { changeTo, takenBack } from "./choosing.ts";
import type { OptOut, PreferenceRecord } from "./opt-out.ts";
import { refusing } from "./refuse.ts";

const now = 1_790_000_000_000;
const of = { app: "shop", subject: "user:ann" };
const origin = { actor: "recipient", source: "one-click", evidence: "n" };
const recordOf = (optOuts: OptOut[], consents: OptOut[]): PreferenceRecord => ({
  ...of,
  version: 1,
  optOuts,
  consents,
  blocks: [],
  updatedAt: now,
});
const news: OptOut = { channel: "email", category: "news" };

const FORGOTTEN: readonly (readonly [what: string, refused: OptOut, consents: OptOut[], forgotten: OptOut[]])[] = [
  [
    "one category on one channel",
    news,
    [
      { channel: "*", category: "news" },
      { channel: "email", category: "orders" },
    ],
    [],
  ],
  ["a category", { channel: "*", category: "news" }, [news, { channel: "email", category: "orders" }], [news]],
  ["a channel", { channel: "email", category: "*" }, [news, { channel: "sms", category: "news" }], [news]],
  ["everything", { channel: "*", category: "*" }, [news, { channel: "*", category: "a" }], [news, { channel: "*", category: "a" }]],
];
for (const [what, refused, consents, forgotten] of FORGOTTEN)
  test(`who refuses ${what} consents to nothing narrower`, () => {
    const change = refusing(recordOf([], consents), refused, origin);
    assert.deepEqual([change?.optOut, change?.forget], [[refused], forgotten]);
  });

test("refusing again changes nothing", () => {
  assert.notEqual(refusing(undefined, news, origin), undefined);
  assert.equal(refusing(recordOf([news], []), news, origin), undefined);
  assert.equal(refusing(recordOf([news], [{ channel: "*", category: "news" }]), news, origin), undefined);
});

test("a pause that ends is made a refusal that stays", () => {
  assert.deepEqual(refusing(recordOf([{ ...news, until: now }], []), news, origin)?.optOut, [news]);
});

const BEFORE: readonly (readonly [what: string, record: PreferenceRecord | undefined, refused: OptOut])[] = [
  ["no choice", undefined, news],
  ["a consent to the same", recordOf([], [news]), news],
  ["a consent to less", recordOf([], [news]), { channel: "email", category: "*" }],
  ["a pause", recordOf([{ ...news, until: now + 1 }], []), news],
  ["another refusal", recordOf([{ channel: "sms", category: "*" }], []), news],
];
for (const [what, before, refused] of BEFORE)
  test(`undoing brings back ${what}`, () => {
    const after = applyChange(before, { ...of, change: refusing(before, refused, origin)!, now })!;
    const undone = applyChange(after, { ...of, change: changeTo(after, takenBack(after, after.lastChange), origin)!, now })!;
    assert.deepEqual([undone.optOuts, undone.consents], [before?.optOuts ?? [], before?.consents ?? []]);
  });

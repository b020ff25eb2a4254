import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block } from "./block.ts";
import { applyChange, type PreferenceChange } from "./change.ts";
import { noPreferences, OPT_OUTS_MAX, type OptOut, type PreferenceRecord } from "./opt-out.ts";

const news: OptOut = { channel: "email", category: "news" };
const sms: OptOut = { channel: "sms", category: "*" };
const stop: Block = { kind: "stop", pool: "deals", reason: "STOP", source: "twilio", at: 1 };
const complaint: Block = { kind: "complaint", classes: ["marketing"], reason: "abuse", source: "sendgrid", at: 2 };

const apply = (before: PreferenceRecord | undefined, change: Omit<PreferenceChange, "origin">, now = 5) =>
  applyChange(before, { app: "shop", subject: "user:ada", change: { ...change, origin: { source: "test" } }, now });
const record = (over: Partial<PreferenceRecord>): PreferenceRecord => ({ ...noPreferences("shop", "user:ada"), version: 3, ...over });

type Row = [
  sentence: string,
  before: Partial<PreferenceRecord>,
  change: Omit<PreferenceChange, "origin">,
  after: Partial<PreferenceRecord>,
];
const ROWS: readonly Row[] = [
  ["an opt-out is added", { optOuts: [sms] }, { optOut: [news] }, { optOuts: [sms, news] }],
  ["one made twice is kept once", { optOuts: [sms, news] }, { optOut: [news] }, { optOuts: [sms, news] }],
  ["one given twice is kept as last given", {}, { optOut: [{ ...news, until: 7 }, news] }, { optOuts: [news] }],
  ["only the same one is forgotten", { optOuts: [sms, news] }, { forget: [news] }, { optOuts: [sms] }],
  ["one that is not there is not forgotten", { optOuts: [sms] }, { forget: [news] }, { optOuts: [sms] }],
  ["a pause becomes one that stays", { optOuts: [{ ...news, until: 7 }] }, { optOut: [news] }, { optOuts: [news] }],
  ["what is added counts more than what is forgotten", { optOuts: [news] }, { optOut: [news], forget: [news] }, { optOuts: [news] }],
  ["a consent takes the place of the opt-out", { optOuts: [sms, news] }, { consent: [news] }, { optOuts: [sms], consents: [news] }],
  [
    "an opt-out takes the place of the consent, which is remembered as withdrawn",
    { consents: [news] },
    { optOut: [news] },
    { optOuts: [news], withdrawn: [news] },
  ],
  [
    "an opt-out that ends leaves the consent, which counts again afterwards",
    { consents: [news] },
    { optOut: [{ ...news, until: 7 }] },
    { optOuts: [{ ...news, until: 7 }], consents: [news] },
  ],
  [
    "of an opt-out and a consent to the same at once, the opt-out counts",
    {},
    { optOut: [news], consent: [news, sms] },
    { optOuts: [news], consents: [sms] },
  ],
  [
    "a consent beside a pause of the same counts again after it",
    {},
    { optOut: [{ ...news, until: 7 }], consent: [news] },
    { optOuts: [{ ...news, until: 7 }], consents: [news] },
  ],
  [
    "a consent ends the pause of the same",
    { optOuts: [{ ...news, until: 7 }], consents: [news] },
    { consent: [news] },
    { consents: [news] },
  ],
  [
    "a consent is forgotten, and remembered as withdrawn",
    { consents: [news, sms] },
    { forget: [news] },
    { consents: [sms], withdrawn: [news] },
  ],
  ["a consent given again is not withdrawn", { withdrawn: [news, sms] }, { consent: [news] }, { consents: [news], withdrawn: [sms] }],
  ["blocks are added", { blocks: [stop] }, { block: [complaint] }, { blocks: [stop, complaint] }],
  [
    "a later block of the same kind, sender and classes takes its place",
    { blocks: [stop] },
    { block: [{ ...stop, at: 9 }] },
    { blocks: [{ ...stop, at: 9 }] },
  ],
  [
    "one of another sender does not",
    { blocks: [stop] },
    { block: [{ ...stop, pool: "orders" }] },
    { blocks: [stop, { ...stop, pool: "orders" }] },
  ],
  ["the same block is lifted", { blocks: [stop, complaint] }, { lift: [{ ...stop, at: 9 }] }, { blocks: [complaint] }],
  ["a later one is not", { blocks: [{ ...stop, at: 9 }] }, { lift: [stop] }, { blocks: [{ ...stop, at: 9 }] }],
  ["choices do not touch blocks", { blocks: [stop] }, { optOut: [news], forget: [sms] }, { optOuts: [news], blocks: [stop] }],
];

for (const [sentence, before, change, after] of ROWS)
  test(`change: ${sentence}`, () => {
    const { lastChange: _, ...changed } = apply(record(before), change)!;
    assert.deepEqual(changed, record({ ...after, version: 4, updatedAt: 5 }));
  });

test("a change of nothing makes the first version, and is one", () => {
  assert.deepEqual(apply(undefined, {}), {
    ...{ app: "shop", subject: "user:ada", version: 1, optOuts: [], consents: [], blocks: [], updatedAt: 5 },
    lastChange: {
      ...{ app: "shop", subject: "user:ada", version: 1, at: 5, origin: { source: "test" } },
      before: { optOuts: [], consents: [], blocks: [] },
      after: { optOuts: [], consents: [], blocks: [] },
    },
  });
});

test("the history keeps what differs, as it was and as it is", () => {
  const before = record({ optOuts: [sms, { ...news, until: 7 }], blocks: [stop] });
  const { lastChange } = apply(before, { optOut: [news], consent: [sms], block: [complaint], lift: [stop] })!;
  assert.deepEqual(lastChange?.before, { optOuts: [sms, { ...news, until: 7 }], consents: [], blocks: [stop] });
  assert.deepEqual(lastChange?.after, { optOuts: [news], consents: [sms], blocks: [complaint] });
});

test("there are at most a thousand choices of single categories, opt-outs and consents together", () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i): OptOut => ({ channel: "sms", category: `c${from + i}` }));
  const full = record({ optOuts: many(0, OPT_OUTS_MAX / 2), consents: many(OPT_OUTS_MAX, OPT_OUTS_MAX / 2) });
  assert.equal(apply(full, { optOut: [news] }), undefined);
  assert.equal(apply(full, { consent: [news] }), undefined);
  assert.ok(apply(full, { optOut: [{ channel: "*", category: "*" }] }), "everything can always be refused");
  assert.ok(apply(full, { optOut: [news], forget: many(0, 1) }), "one for another");
  assert.ok(apply(full, { consent: many(0, 1) }), "one that changes sides");
});

test("what was withdrawn is remembered up to a bound, the oldest left out", () => {
  const withdrawn = Array.from({ length: OPT_OUTS_MAX }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  const changed = apply(record({ withdrawn, consents: [news] }), { forget: [news] })!;
  assert.deepEqual(changed.withdrawn, [...withdrawn.slice(1), news]);
});

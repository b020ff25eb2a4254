import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CHANNELS, CLASSES } from "../delivery/channel.ts";
import { refusalOf } from "./answer.ts";
import { CATEGORY_DEFAULTS } from "./category.ts";
import { applyChange } from "./change.ts";
import { changeTo, takenBack } from "./choosing.ts";
import { OPT_OUTS_MAX, type OptOut, type PreferenceRecord } from "./opt-out.ts";
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
  ["a consent on every channel", recordOf([], [{ channel: "*", category: "news" }]), { channel: "email", category: "*" }],
];
for (const [what, before, refused] of BEFORE)
  test(`undoing brings back ${what}`, () => {
    const after = applyChange(before, { ...of, change: refusing(before, refused, origin)!, now })!;
    const undone = applyChange(after, { ...of, change: changeTo(after, takenBack(after, after.lastChange), origin)!, now })!;
    assert.deepEqual([undone.optOuts, undone.consents], [before?.optOuts ?? [], before?.consents ?? []]);
  });

/** Of the record after refusing: what of all that `refused` covers would be sent. */
function sentAfter(before: PreferenceRecord | undefined, refused: OptOut): unknown[] {
  const change = refusing(before, refused, origin);
  const after = change ? applyChange(before, { ...of, change, now }) : before;
  assert.ok(after, "there is room for the change");
  assert.equal(refusing(after, refused, origin), undefined, "once is enough");
  const asked = CHANNELS.flatMap((channel) =>
    CATEGORIES.flatMap((category) =>
      CLASSES.flatMap((notificationClass) => CATEGORY_DEFAULTS.map((own) => ({ channel, category, notificationClass, default: own }))),
    ),
  );
  return asked.filter((one) => {
    const isCovered = [one.channel, "*"].includes(refused.channel) && [one.category, "*"].includes(refused.category);
    const isRequired = one.default === "required" && one.notificationClass !== "marketing";
    return isCovered && !isRequired && refusalOf([after], one, now) === undefined;
  });
}

const CATEGORIES = ["news", "orders", "never-put"];
const ENDS = [undefined, now - 1, now + 1, now + 2];
const choices = (ends: readonly (number | undefined)[]): fc.Arbitrary<OptOut> =>
  fc
    .record({
      channel: fc.constantFrom(...CHANNELS, "*" as const),
      category: fc.constantFrom("news", "orders", "*"),
      until: fc.constantFrom(...ends),
    })
    .map(({ until, ...about }) => (until === undefined ? about : { ...about, until }));
const lists = fc.uniqueArray(choices(ENDS), { selector: ({ channel, category }) => `${channel} ${category}`, maxLength: 8 });

test("who refused is sent nothing of what they refused, whatever they chose before", () => {
  fc.assert(
    fc.property(lists, lists, choices([undefined, now + 1]), (optOuts, consents, refused) => {
      assert.deepEqual(sentAfter(recordOf(optOuts, consents), refused), []);
    }),
    { numRuns: 500 },
  );
});

test("refusals beside the consents that are forgotten stay", () => {
  const all = { channel: "email", category: "*" } as const;
  const paused: OptOut = { channel: "*", category: "news", until: now + 1 };
  const everywhere: OptOut = { channel: "*", category: "news" };
  assert.deepEqual(refusing(recordOf([news], [news, everywhere]), all, origin), { optOut: [all, news], forget: [news], origin });
  const many = Array.from({ length: OPT_OUTS_MAX - 2 }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  const full = refusing(recordOf([...many, paused], [everywhere]), all, origin);
  assert.deepEqual(full, { optOut: [all, paused], forget: [everywhere], origin });
});

test("a consent on every channel stays for the others, and is forgotten where there is no room for a refusal beside it", () => {
  const all = { channel: "email", category: "*" } as const;
  const everywhere: OptOut = { channel: "*", category: "news" };
  assert.deepEqual(refusing(recordOf([], [everywhere]), all, origin), { optOut: [all, news], forget: [], origin });
  const many = Array.from({ length: OPT_OUTS_MAX - 1 }, (_, i): OptOut => ({ channel: "sms", category: `c${i}` }));
  const full = recordOf(many, [everywhere]);
  assert.deepEqual(refusing(full, all, origin), { optOut: [all], forget: [everywhere], origin });
  assert.deepEqual(sentAfter(full, all), []);
});

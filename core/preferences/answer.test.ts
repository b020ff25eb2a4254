import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNELS } from "../delivery/channel.ts";
import { type Asked, type Refusal, refusalOf } from "./answer.ts";
import type { Block } from "./block.ts";
import { type Category, defaultOf } from "./category.ts";
import type { PreferenceState } from "./change.ts";
import { choicesThatApply, type OptOut } from "./opt-out.ts";

const NOW = 1_000;
const asked: Asked = { channel: "email", category: "news", notificationClass: "marketing", default: "opted-in" };
const transactional: Partial<Asked> = { notificationClass: "transactional", default: "required" };
const choice = (channel: OptOut["channel"], category: string, until?: number): OptOut => ({ channel, category, ...(until && { until }) });
const state = (over: Partial<PreferenceState> = {}): PreferenceState => ({ optOuts: [], consents: [], blocks: [], ...over });
const no = (...optOuts: OptOut[]) => state({ optOuts });
const yes = (...consents: OptOut[]) => state({ consents });
const block = (over: Partial<Block> = {}): Block => ({ kind: "stop", reason: "STOP", source: "twilio", at: 1, ...over });

type Row = [sentence: string, subjects: PreferenceState[], asked: Partial<Asked>, answer: Refusal | undefined];
const ROWS: readonly Row[] = [
  ["nobody chose anything: the default, opted in", [state()], {}, undefined],
  ["nobody chose anything: the default, opted out", [state()], { default: "opted-out" }, "no-consent"],
  ["nobody chose anything: the default, required", [state()], { default: "required" }, undefined],
  ["no subject at all: the default", [], { default: "opted-out" }, "no-consent"],

  ["no to this", [no(choice("email", "news"))], {}, "opted-out"],
  ["no to the category", [no(choice("*", "news"))], {}, "opted-out"],
  ["no to the channel", [no(choice("email", "*"))], {}, "opted-out"],
  ["no to everything", [no(choice("*", "*"))], {}, "opted-out"],
  ["no to another channel", [no(choice("sms", "news"), choice("sms", "*"))], {}, undefined],
  ["no to another category", [no(choice("email", "tips"), choice("*", "tips"))], {}, undefined],

  ["yes to this where the default is no", [yes(choice("email", "news"))], { default: "opted-out" }, undefined],
  ["yes to everything where the default is no", [yes(choice("*", "*"))], { default: "opted-out" }, undefined],
  ["yes to another channel where the default is no", [yes(choice("sms", "news"))], { default: "opted-out" }, "no-consent"],

  ["yes to this beats no to the category", [{ ...no(choice("*", "news")), consents: [choice("email", "news")] }], {}, undefined],
  ["no to this beats yes to the category", [{ ...no(choice("email", "news")), consents: [choice("*", "news")] }], {}, "opted-out"],
  ["yes to the category beats no to the channel", [{ ...no(choice("email", "*")), consents: [choice("*", "news")] }], {}, undefined],
  ["no to the category beats yes to the channel", [{ ...no(choice("*", "news")), consents: [choice("email", "*")] }], {}, "opted-out"],
  ["yes to the channel beats no to everything", [{ ...no(choice("*", "*")), consents: [choice("email", "*")] }], {}, undefined],
  ["no to the channel beats yes to everything", [{ ...no(choice("email", "*")), consents: [choice("*", "*")] }], {}, "opted-out"],
  ["of both about the same the no counts", [{ ...no(choice("email", "news")), consents: [choice("email", "news")] }], {}, "opted-out"],

  ["a pause that lasts", [no(choice("*", "*", NOW + 1))], {}, "opted-out"],
  ["a pause that has just ended", [no(choice("*", "*", NOW))], {}, undefined],
  ["a consent that has ended", [yes(choice("email", "news", NOW))], { default: "opted-out" }, "no-consent"],
  ["a pause that has ended before a no that stays", [no(choice("email", "news", NOW), choice("*", "*"))], {}, "opted-out"],

  ["the endpoint's no counts beside the user's yes", [yes(choice("email", "news")), no(choice("*", "*"))], {}, "opted-out"],
  ["the user's no counts beside the endpoint's yes", [no(choice("*", "*")), yes(choice("email", "news"))], {}, "opted-out"],
  ["one's consent is enough", [state(), yes(choice("*", "news"))], { default: "opted-out" }, undefined],

  ["what is required knows no choices", [no(choice("*", "*"), choice("email", "news"))], transactional, undefined],
  ["what is required and critical neither", [no(choice("*", "*"))], { ...transactional, notificationClass: "critical" }, undefined],
  ["but blocks", [no(choice("*", "*")), state({ blocks: [block()] })], transactional, "stopped"],
  ["marketing in a required category obeys a no to it", [no(choice("email", "news"))], { default: "required" }, "opted-out"],
  ["marketing in a required category obeys a no to everything", [no(choice("*", "*"))], { default: "required" }, "opted-out"],
  ["marketing in a required category needs no consent", [yes(choice("sms", "news"))], { default: "required" }, undefined],
  ["a block goes before choices", [{ ...no(choice("*", "*")), blocks: [block({ kind: "bounce" })] }], {}, "bounced"],
  ["a block goes before a consent", [{ ...yes(choice("email", "news")), blocks: [block({ kind: "manual" })] }], {}, "blocked"],
  ["a block of any subject", [state(), state({ blocks: [block({ kind: "complaint" })] })], {}, "complained"],
  ["a block of a class holds for it", [state({ blocks: [block({ kind: "complaint", classes: ["marketing"] })] })], {}, "complained"],
  [
    "a block of a class holds for no other",
    [state({ blocks: [block({ kind: "complaint", classes: ["marketing"] })] })],
    { notificationClass: "critical" },
    undefined,
  ],
  ["STOP to one sender holds for it", [state({ blocks: [block({ pool: "deals" })] })], { pool: "deals" }, "stopped"],
  ["STOP to one sender holds for no other", [state({ blocks: [block({ pool: "deals" })] })], { pool: "orders" }, undefined],
  ["STOP to one sender does not hold for the default", [state({ blocks: [block({ pool: "deals" })] })], {}, undefined],
  ["STOP to the default sender holds for texts that name none", [state({ blocks: [block({ pool: "" })] })], {}, "stopped"],
  ["STOP to the default sender holds for no other", [state({ blocks: [block({ pool: "" })] })], { pool: "deals" }, undefined],
  ["STOP to every sender", [state({ blocks: [block()] })], { pool: "deals" }, "stopped"],
];

for (const [sentence, subjects, about, answer] of ROWS)
  test(`answer: ${sentence}`, () => assert.equal(refusalOf(subjects, { ...asked, ...about }, NOW), answer));

test("a choice says something exactly about what its channel and category cover", () => {
  for (const channel of [...CHANNELS, "*" as const])
    for (const category of ["news", "*"])
      for (const of of CHANNELS) {
        const covers = choicesThatApply(of, "news").some((about) => about.channel === channel && about.category === category);
        const at = (name: string) => refusalOf([no(choice(channel, category))], { ...asked, channel: of, category: name }, NOW);
        assert.equal(at("news") === "opted-out", covers);
        assert.equal(at("orders") === "opted-out", covers && category === "*");
      }
});

test("the default of a category is that of the tenant, else its own, and off where the channel is off", () => {
  const category: Category = {
    ...{ name: "news", labels: {}, default: "opted-in", channelsOff: ["sms"] },
    tenantDefaults: { strict: "opted-out", legal: "required", open: "opted-in" },
  };
  for (const [channel, tenant, expected] of [
    ["email", undefined, "opted-in"],
    ["sms", undefined, "opted-out"],
    ["email", "unknown", "opted-in"],
    ["email", "constructor", "opted-in"],
    ["email", "strict", "opted-out"],
    ["email", "legal", "required"],
    ["sms", "legal", "required"],
    ["sms", "open", "opted-out"],
  ] as const)
    assert.equal(defaultOf(category, channel, tenant), expected, `${channel} ${tenant}`);
  assert.equal(defaultOf(undefined, "sms", "strict"), "opted-in", "a category that was never put");
});

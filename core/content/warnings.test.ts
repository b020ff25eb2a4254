import assert from "node:assert/strict";
import { test } from "node:test";
import { FIELD_SECTIONS } from "../../providers/content-fields/list.ts";
import type { FieldRow } from "../../providers/content-fields/row.ts";
import { SMS_ROWS } from "../../providers/content-fields/sms.ts";
import { PROVIDERS } from "../../providers/list.ts";
import type { Content } from "./content.ts";
import { WARNING_RULES, warningsOf } from "./warnings.ts";

const push = (over: Partial<NonNullable<Content["push"]>>): Content => ({ push: { title: "Dinner", body: "is ready", data: {}, ...over } });
const sms = (over: Partial<NonNullable<Content["sms"]>>): Content => ({ sms: { text: "ready", ...over } });
const email = (over: Partial<NonNullable<Content["email"]>>): Content => ({ email: { subject: "s", html: "<p>h</p>", text: "", ...over } });
const button = (id: string) => ({ id, title: id });
const image = { filename: "l.png", contentType: "image/png", base64: "AAAA", contentId: "logo" };
const URL = "https://shop.example/1";

/** By code and field: a content that the rule warns of, what it says, and one beside it that it does not warn of. */
const CASES: Readonly<Record<string, [warned: Content, says: RegExp, fine: Content]>> = {
  "ios-extension image_url": [push({ imageUrl: URL }), /notification service extension/, push({})],
  "ios-entitlement interruption_level": [
    push({ interruptionLevel: "time-sensitive" }),
    /^time-sensitive needs an entitlement/,
    push({ interruptionLevel: "passive" }),
  ],
  "ios-actions actions": [push({ actions: [button("a")] }), /action_category/, push({ actions: [button("a")], actionCategory: "A" })],
  "ios-background background": [
    push({ title: "", body: "", background: true }),
    /when they see fit/,
    push({ title: "", body: "", badge: 1 }),
  ],
  "android-channel android_channel": [push({ androidChannel: "orders" }), /application has created/, push({})],
  "android-sound sound": [push({ sound: "bell.caf" }), /channel decides/, push({})],
  "android-badge badge": [push({ badge: 0 }), /takes no 0/, push({ badge: 1 })],
  "android-subtitle subtitle": [push({ subtitle: "Table 7" }), /put before the body/, push({})],
  "data-as-text data_json": [push({ dataJson: { n: 1 } }), /arrive as JSON/, push({ dataJson: { n: "1" } })],
  "web-actions actions": [
    push({ actions: ["a", "b", "c", "d"].map(button) }),
    /^browsers show 2 of 4 actions$/,
    push({ actions: ["a", "b"].map(button) }),
  ],
  "web-image image_url": [push({ imageUrl: URL }), /Chromium/, push({})],
  "web-click-url click_url": [push({ clickUrl: "shop://1" }), /https URLs only/, push({ clickUrl: URL })],
  "web-origin click_url": [push({}), /WEBPUSH_APP_ORIGIN/, push({ clickUrl: URL })],
  "web-icon icon": [push({ icon: URL }), /drawable/, push({ icon: "ic_bell" })],
  "not-sent sound": [push({ sound: "bell.caf" }), /own sound/, push({ sound: "none" })],
  "not-sent interruption_level": [push({ interruptionLevel: "active" }), /no such thing/, push({})],
  "not-sent thread": [push({ thread: "t" }), /no such thing/, push({})],
  "not-sent action_category": [push({ actionCategory: "A" }), /take actions/, push({})],
  "not-sent background": [push({ title: "", body: "", background: true }), /require a notification/, push({})],
  "not-sent badge": [push({ title: "", body: "", badge: 3 }), /require a notification/, push({ badge: 3 })],
  "not-sent data": [push({ title: "", body: "", data: { a: "1" } }), /require a notification/, push({ data: { a: "1" } })],
  "not-sent data_json": [push({ title: "", body: "", dataJson: { a: 1 } }), /require a notification/, push({ dataJson: { a: 1 } })],
  "not-sent android_channel": [push({ androidChannel: "orders" }), /no channels/, push({})],
  "not-sent title_localized": [push({ titleLocalized: { key: "K", args: [] } }), /no texts/, push({})],
  "not-sent body_localized": [push({ bodyLocalized: { key: "K", args: [] } }), /no texts/, push({})],
  "not-sent subtitle_localized": [push({ subtitleLocalized: { key: "K", args: [] } }), /no texts/, push({})],
  "not-sent relevance_score": [push({ relevanceScore: 0 }), /no such thing/, push({})],
  "not-sent icon": [push({ icon: "ic_bell" }), /drawable|the application's/, push({})],
  "not-sent dir": [push({ dir: "rtl" }), /text itself/, push({})],
  "not-sent lang": [push({ lang: "de" }), /device's language/, push({})],
  "ucs2 text": [
    sms({ text: `${"x".repeat(150)}“` }),
    /^a text with “ is charged as UCS-2: 3 segments instead of 1; transliterate would replace them$/,
    sms({ text: "“as many either way”" }),
  ],
  "flash-not-sent flash": [sms({ flash: true }), /only Vonage/, sms({})],
  "media-not-sent media_urls": [sms({ mediaUrls: [URL] }), /only Twilio/, sms({})],
  "media-countries media_urls": [sms({ mediaUrls: [URL] }), /US, Canada and Australia/, sms({})],
  "not-sent registered_entity": [sms({ registeredEntity: "1" }), /with the sender/, sms({})],
  "not-sent registered_template": [sms({ registeredTemplate: "1" }), /with the sender/, sms({})],
  "not-sent overrides.twilio": [sms({ overrides: { twilio: { a: 1 } } }), /for Twilio/, sms({ overrides: { vonage: { a: 1 } } })],
  "not-sent overrides.vonage": [sms({ overrides: { vonage: { a: 1 } } }), /for Vonage/, sms({ overrides: { twilio: { a: 1 } } })],
  "gmail-cuts html": [email({ html: "ü".repeat(60_000) }), /102 KB; this html has 118 KB/, email({ html: "u".repeat(60_000) })],
  "from-allowed from": [email({ from: { address: "a@example.com" } }), /EMAIL_FROM_ALLOWED/, email({})],
  "copies-apart cc": [email({ cc: [{ address: "a@example.com" }] }), /a mail of its own/, email({ bcc: [{ address: "a@example.com" }] })],
  "calendar-attached calendar": [email({ calendar: { method: "REQUEST", ics: "" } }), /invite\.ics/, email({})],
  "inline-unused attachments": [
    email({ attachments: [image] }),
    /1 of the inline files/,
    email({ attachments: [image], html: "cid:logo" }),
  ],
  "tags-as-header tags": [email({ tags: ["a"] }), /X-Carillon-Tags/, email({})],
  "not-sent overrides.sendgrid": [email({ overrides: { sendgrid: {} } }), /for SendGrid/, email({ overrides: { mandrill: {} } })],
  "not-sent overrides.mandrill": [email({ overrides: { mandrill: {} } }), /for Mandrill/, email({ overrides: { sendgrid: {} } })],
};
const nameOf = ({ code, field }: { code: string; field: string }) => `${code} ${field.split(".").slice(2).join(".")}`;

for (const rule of WARNING_RULES)
  test(`${nameOf(rule)}: ${rule.providers.join(", ")} warned of what it is about, and of nothing else`, () => {
    const [warned, says, fine] = CASES[nameOf(rule)] ?? assert.fail("a rule without a case");
    const message = rule.says(warned);
    assert.match(message ?? "", says);
    assert.equal(rule.says(fine), undefined);
    for (const provider of rule.providers)
      assert.ok(warningsOf(provider, warned).some((w) => w.code === rule.code && w.field === rule.field && w.message === message));
  });

test("every case is of a rule, and every rule of providers that there are", () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), [...new Set(WARNING_RULES.map(nameOf))].toSorted());
  const names = PROVIDERS.map(({ name }) => name);
  assert.deepEqual(
    WARNING_RULES.flatMap(({ providers }) => providers).filter((name) => !names.includes(name)),
    [],
  );
});

test("a critical alert needs another entitlement, and characters that no transliteration replaces are named", () => {
  assert.match(warningsOf("apns", push({ interruptionLevel: "critical" }))[0]?.message ?? "", /grants to few applications/);
  const { message } = warningsOf("vonage", sms({ text: `${"x".repeat(100)} абвг` }))[0]!;
  assert.equal(message, "a text with а б в and 1 more is charged as UCS-2: 2 segments instead of 1");
  assert.deepEqual(warningsOf("twilio", sms({ text: `${"x".repeat(150)}“`, transliterate: true })), []);
});

test("what the tables of fields say does not arrive at a provider is warned of", () => {
  const rows: readonly FieldRow[] = [...FIELD_SECTIONS.flatMap((section): readonly FieldRow[] => section.rows), ...SMS_ROWS];
  assert.ok(rows.length > 30);
  const silent: string[] = [];
  for (const { field, content, arrives } of rows)
    for (const [provider, arrival] of Object.entries(arrives)) {
      if (!("not" in arrival) || arrival.not === "checked before acceptance") continue;
      // These go to tokens of APNs alone; no other provider is asked to send them.
      if (content.push?.voip || content.push?.liveActivity) continue;
      const [part] = Object.keys(content);
      const wanted = `content.${part}.${field.replace(/ .*/, "")}`;
      // A copy goes out as a mail of its own: nothing of it is left out.
      if (wanted === "content.email.bcc") continue;
      // It is about Carillon, whichever provider is asked.
      if (wanted === "content.email.unsubscribe") continue;
      if (!warningsOf(provider, content).some((w) => `${w.field}.`.startsWith(`${wanted}.`)))
        silent.push(`${provider}: ${wanted}: ${arrival.not}`);
    }
  assert.deepEqual(silent, []);
});

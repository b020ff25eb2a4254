import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { basic, envOf, http1, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

type Form = Record<string, string | string[]>;

function send(fields: Form, authorization = basic(envOf(sandbox, "TWILIO_ACCOUNT_SID"), envOf(sandbox, "TWILIO_AUTH_TOKEN_FILE"))) {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries({ To: "+15551234567", ...fields })) for (const one of [value].flat()) form.append(name, one);
  sandbox.ledger.clear();
  const url = `${envOf(sandbox, "TWILIO_ORIGIN")}/2010-04-01/Accounts/${envOf(sandbox, "TWILIO_ACCOUNT_SID")}/Messages.json`;
  return http1(sandbox, url, { headers: { authorization, "content-type": "application/x-www-form-urlencoded" }, body: form.toString() });
}

const FROM = { From: "+15005550006", Body: "b" };
const SERVICE = { MessagingServiceSid: `MG${"a1".repeat(16)}`, Body: "b" };
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const photo = (n: number) => `https://media.example/${n}.jpg`;

const GOOD: [form: Form, answer: Record<string, unknown>][] = [
  [
    { ...FROM, Body: "x".repeat(1_600), SmartEncoded: "true", ValidityPeriod: "1" },
    { status: "queued", num_media: "0" },
  ],
  [SERVICE, { status: "accepted", num_segments: "0", from: null }],
  [{ ...SERVICE, ...FROM, ValidityPeriod: "36000", ShortenUrls: "true", MessageIntent: "otp" }, { from: FROM.From }],
  [{ From: "Carillon", Body: "b" }, { from: "Carillon" }],
  [{ From: "72345", Body: "b", ContentRetention: "discard", AddressRetention: "obfuscate", RiskCheck: "disable" }, { from: "72345" }],
  [
    { From: FROM.From, MediaUrl: Array.from({ length: 10 }, (_, n) => photo(n)) },
    { num_media: "10", body: "" },
  ],
  [{ ...FROM, MediaUrl: photo(1), SendAsMms: "true", MaxPrice: "0.05", Attempt: "1" }, { num_media: "1" }],
  [{ ...SERVICE, SendAt: inMinutes(20), ScheduleType: "fixed" }, { status: "scheduled" }],
  [{ MessagingServiceSid: SERVICE.MessagingServiceSid, ContentSid: `HX${"0".repeat(32)}`, ContentVariables: '{"1":"Ada"}' }, { body: "" }],
  [{ ...FROM, ProvideFeedback: "false", StatusCallback: "http://127.0.0.1:1/twilio?attempt=a%2F1", FromTheFuture: "ignored" }, {}],
];

test("Twilio: messages with every documented parameter are accepted, and kept whole", async () => {
  for (const [form, expected] of GOOD) {
    const given = await send(form);
    assert.equal(given.status, 201, given.text);
    assert.partialDeepStrictEqual(given.json, expected);
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, { To: "+15551234567", ...form });
  }
});

const BAD: [code: number, form: Form][] = [
  [21617, { ...FROM, Body: "x".repeat(1_601) }],
  [21602, { From: FROM.From }],
  [21603, { Body: "b" }],
  [21266, { ...FROM, From: "+15551234567" }],
  [21620, { ...FROM, MediaUrl: [photo(1), "file.jpg"] }],
  [21623, { ...FROM, MediaUrl: Array.from({ length: 11 }, (_, n) => photo(n)) }],
  [21609, { ...FROM, StatusCallback: "https://my_host.example/twilio" }],
  [21609, { ...FROM, StatusCallback: `https://a.example/${"x".repeat(4_000)}` }],
  [21624, { ...FROM, ValidityPeriod: "0" }],
  [21624, { ...FROM, ValidityPeriod: "1.5" }],
  [21627, { ...FROM, MaxPrice: "cheap" }],
  [21705, { MessagingServiceSid: "MG1", Body: "b" }],
  [21703, { MessagingServiceSid: `MG${"0".repeat(32)}`, Body: "b" }],
  [21606, { ...FROM, From: "+15551110000" }],
  [21606, { ...FROM, From: "TwelveLetter" }],
  [21612, { ...FROM, From: "Shop", MediaUrl: [photo(1)] }],
  [35111, { ...SERVICE, ScheduleType: "fixed" }],
  [35114, { ...SERVICE, ScheduleType: "fixed", SendAt: "tomorrow" }],
  [35114, { ...SERVICE, ScheduleType: "fixed", SendAt: "2027-02-30T10:00:00Z" }],
  [35115, { ...SERVICE, ScheduleType: "fixed", SendAt: inMinutes(5) }],
  [35115, { ...SERVICE, ScheduleType: "fixed", SendAt: inMinutes(36 * 1_440) }],
  [35118, { ...FROM, ScheduleType: "fixed", SendAt: inMinutes(20) }],
  [20001, { ...FROM, SmartEncoded: "yes" }],
  [20001, { ...FROM, ContentRetention: "keep" }],
  [20001, { ...FROM, MessageIntent: "spam" }],
  [20001, { ...FROM, ApplicationSid: "AP1" }],
  [20001, { ...FROM, ShortenUrls: "true" }],
  [20001, { ...FROM, ContentVariables: "{}" }],
  [20001, { ...FROM, Attempt: "first" }],
];

test("Twilio: a parameter that breaks its rule is rejected with its code", async () => {
  for (const [code, form] of BAD) {
    const given = await send(form);
    assert.deepEqual([given.status, fieldsOf(given.json).code], [400, code]);
    assert.equal(fieldsOf(given.json).more_info, `https://www.twilio.com/docs/errors/${code}`);
    assert.equal(sandbox.ledger.entries()[0]?.accepted, false);
  }
});

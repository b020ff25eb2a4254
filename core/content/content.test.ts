import assert from "node:assert/strict";
import { test } from "node:test";
import { Content as ContentProto, EmailContent, PushContent, SmsContent } from "../../gen/carillon/v1/notification_service.ts";
import {
  backgroundPush,
  localizedPush,
  richContent,
  richEmail,
  richPush,
  richSms,
  startActivity,
} from "../../test/support/content-samples.ts";
import { canonicalForm, mapValue } from "./codec.ts";
import { type Content, contentFaults, contentFromProto, contentToProto, contentValues } from "./content.ts";
import { canonicalJson, type JsonObject } from "./json.ts";
import type { LiveActivity } from "./live-activity.ts";

const content: Content = {
  push: { title: "t", body: "b", data: { x: "1", "ключ.🔔": "" } },
  sms: { text: "hello" },
  email: { subject: "s", html: "<p>h</p>", text: "x" },
};

/** With every field, also those that exclude each other in a notification. */
const full = {
  push: {
    ...richPush(),
    ...localizedPush({ title: "t", body: "b", subtitle: "s" }),
    background: true,
    voip: true,
    liveActivity: startActivity(),
  },
  sms: richSms({ flash: true }),
  email: richEmail(),
} satisfies Content;
/** Empty ones are sent; what the event has not is absent. */
const ACTIVITIES: LiveActivity[] = [
  { event: "start", contentState: {}, attributesType: "Flight", attributes: {}, relevanceScore: 0 },
  { event: "update", contentState: { eta: null }, timestamp: 0 },
  { event: "end", dismissalDate: 0 },
];
const activities: Content[] = ACTIVITIES.map((liveActivity) => ({ push: { title: "", body: "", data: {}, liveActivity } }));
const throughProtobuf = (given: Content) => contentFromProto(ContentProto.decode(ContentProto.encode(contentToProto(given)).finish()));
const hashed = (given: Content) => canonicalForm(contentValues(given));

test("is the same after it went through protobuf", () => {
  for (const given of [
    content,
    full,
    { push: localizedPush() },
    { push: backgroundPush() },
    { push: richPush({ badge: 0 }) },
    ...activities,
  ]) {
    assert.deepEqual({ ...throughProtobuf(given) }, { push: undefined, sms: undefined, email: undefined, ...given });
    assert.equal(hashed(throughProtobuf(given)), hashed(given));
    assert.equal(canonicalJson(throughProtobuf(given)), canonicalJson(given), "also as it is stored, with every key");
  }
});

test("has no field that the caller did not give: what is stored does not grow", () => {
  assert.deepEqual(Object.keys(throughProtobuf(content).push!), ["title", "body", "data"]);
  assert.deepEqual(Object.keys(throughProtobuf(content).sms!), ["text"]);
  assert.deepEqual(Object.keys(throughProtobuf(content).email!), ["subject", "html", "text"]);
});

test("has the form by which contents were hashed before they had more fields", () => {
  assert.equal(
    hashed(content),
    '[["content","push,sms,email"],["email.html","<p>h</p>"],["email.subject","s"],["email.text","x"],["push.body","b"],' +
      '["push.data","[[\\"x\\",\\"1\\"],[\\"ключ.🔔\\",\\"\\"]]"],["push.title","t"],["sms.text","hello"]]',
  );
});

test("every field changes the hash; a badge of 0 is not an absent one, and an order of keys is nothing", () => {
  for (const part of ["push", "sms", "email"] as const)
    for (const field of Object.keys(full[part])) {
      const without: Record<string, unknown> = { ...full[part] };
      delete without[field];
      if (["data", "title", "body", "text", "subject", "html"].includes(field)) without[field] = field === "data" ? {} : "";
      assert.notEqual(hashed({ ...full, [part]: without }), hashed(full), `${part}.${field}`);
    }
  const activity = (over: Partial<LiveActivity>) =>
    hashed({ push: { title: "", body: "", data: {}, liveActivity: { ...startActivity(), ...over } } });
  const forms = [
    {},
    { event: "end" },
    { contentState: {} },
    { attributes: {} },
    { attributesType: "Ride" },
    { timestamp: 1 },
    { relevanceScore: 0 },
  ] as const;
  assert.equal(new Set(forms.map(activity)).size, forms.length);
  const badge = (value: number | undefined) => hashed({ push: { title: "", body: "", data: {}, badge: value } });
  assert.notEqual(badge(0), badge(undefined));
  assert.notEqual(badge(0), badge(1));
  const data = (dataJson: JsonObject) => hashed({ push: richPush({ dataJson }) });
  assert.equal(data({ a: { b: 1, c: null }, d: [] }), data({ d: [], a: { c: null, b: 1 } }));
  assert.notEqual(data({ a: null }), data({}));
  assert.notEqual(data({ a: [1, 2] }), data({ a: [2, 1] }));
});

test("takes over no field of a message that it does not know", () => {
  const unknown = { unknown: { nested: 1 } };
  const { push, sms, email } = contentToProto(content);
  const wire = { push: { ...push!, ...unknown }, sms: { ...sms!, ...unknown }, email: { ...email!, ...unknown }, ...unknown };
  assert.deepEqual(contentFromProto(wire), content);
});

test("shares no map with the message it was read from", () => {
  const wire = contentToProto(content);
  const read = contentFromProto(wire);
  assert.notEqual(read.push?.data, wire.push?.data);
  const rich = contentToProto(full);
  const { push } = contentFromProto(rich);
  assert.notEqual(push?.dataJson?.order, rich.push?.dataJson?.order);
  assert.notEqual(push?.bodyLocalized?.args, rich.push?.bodyLocalized?.args);
});

test("knows every field that the contract has", () => {
  const fieldsOf = (part: object) => Object.keys(part).sort();
  assert.deepEqual(fieldsOf(full.push), fieldsOf(PushContent.decode(new Uint8Array())));
  assert.deepEqual(fieldsOf(full.sms), fieldsOf(SmsContent.decode(new Uint8Array())));
  assert.deepEqual(fieldsOf(full.email), fieldsOf(EmailContent.decode(new Uint8Array())));
  const named = contentValues(full).map(([name]) => name);
  for (const part of ["push", "sms", "email"] as const)
    for (const field of Object.keys(full[part])) assert.ok(named.includes(`${part}.${field}`), `${part}.${field} is in no hash`);
});

test("has one form for the same values in any order, without the empty ones", () => {
  assert.equal(
    canonicalForm([
      ["b", "2"],
      ["a", "1"],
      ["c", ""],
    ]),
    '[["a","1"],["b","2"]]',
  );
  assert.equal(mapValue({ b: "2", a: "" }), '[["a",""],["b","2"]]');
  assert.equal(mapValue({}), "");
});

test("distinguishes a part without values from one that is absent", () => {
  const empty = { title: "", body: "", data: {} };
  assert.notEqual(canonicalForm(contentValues({ sms: { text: "x" } })), canonicalForm(contentValues({ sms: { text: "x" }, push: empty })));
});

test("nothing is wrong with the samples", () => {
  assert.deepEqual(contentFaults(richContent(), ["apns", "fcm", "webpush", "sms", "email"]), []);
  for (const push of [localizedPush(), backgroundPush()]) assert.deepEqual(contentFaults({ push }, ["apns", "fcm", "webpush"]), []);
});

test("collects what is wrong with each part", () => {
  const bad: Content = { push: { title: "t", body: "x".repeat(5_000), data: { carillon_x: "1" } }, sms: { text: "ж".repeat(700) } };
  assert.deepEqual(
    contentFaults(bad, ["apns", "sms"]).map(({ field, rule }) => `${field} ${rule}`),
    ["content.push.data data.reserved", "content.push apns.bytes", "content.sms.text sms.segments"],
  );
});

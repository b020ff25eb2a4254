import assert from "node:assert/strict";
import { test } from "node:test";
import { Content as ContentProto, EmailContent, PushContent, SmsContent } from "../../gen/carillon/v1/notification_service.ts";
import { canonicalForm, mapValue } from "./codec.ts";
import { type Content, contentFaults, contentFromProto, contentToProto, contentValues } from "./content.ts";

const content: Content = {
  push: { title: "t", body: "b", data: { x: "1", "ключ.🔔": "" } },
  sms: { text: "hello" },
  email: { subject: "s", html: "<p>h</p>", text: "x" },
};

test("is the same after it went through protobuf", () => {
  assert.deepEqual(contentFromProto(ContentProto.decode(ContentProto.encode(contentToProto(content)).finish())), content);
});

test("takes over no field of a message that it does not know", () => {
  const unknown = { unknown: { nested: 1 } };
  const { push, sms, email } = contentToProto(content);
  const wire = { push: { ...push!, ...unknown }, sms: { ...sms!, ...unknown }, email: { ...email!, ...unknown }, ...unknown };
  assert.deepEqual(contentFromProto(wire), content);
});

test("shares no map with the message it was read from", () => {
  const wire = contentToProto(content);
  const read = contentFromProto({ ...wire, push: { ...wire.push!, data: { a: "1" } } });
  assert.notEqual(read.push?.data, wire.push?.data);
});

test("knows every field that the contract has", () => {
  const fieldsOf = (part: object) => Object.keys(part).sort();
  assert.deepEqual(fieldsOf(content.push!), fieldsOf(PushContent.decode(new Uint8Array())));
  assert.deepEqual(fieldsOf(content.sms!), fieldsOf(SmsContent.decode(new Uint8Array())));
  assert.deepEqual(fieldsOf(content.email!), fieldsOf(EmailContent.decode(new Uint8Array())));
  const named = contentValues(content).map(([name]) => name);
  for (const part of ["push", "sms", "email"] as const)
    for (const field of Object.keys(content[part]!)) assert.ok(named.includes(`${part}.${field}`), `${part}.${field} is in no hash`);
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

test("collects what is wrong with each part", () => {
  const bad: Content = { push: { title: "t", body: "x".repeat(5_000), data: { carillon_x: "1" } }, sms: { text: "ж".repeat(700) } };
  assert.deepEqual(
    contentFaults(bad, ["apns", "sms"]).map(({ field, rule }) => `${field} ${rule}`),
    ["content.push.data data.reserved", "content.push apns.bytes", "content.sms.text sms.segments"],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, createFileRegistry, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import {
  FieldRulesSchema,
  field as fieldRules,
  MessageRulesSchema,
  message as messageRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { contentToProto } from "../../core/content/content.ts";
import { emailCodec } from "../../core/content/email.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { richEmail } from "../../test/support/content-samples.ts";
import type { Violation } from "../call-error.ts";
import { compilePattern } from "./pattern.ts";
import { compileMessage, compileValidator, UnsupportedRuleError } from "./validate.ts";

const valid: Notification = {
  idempotencyKey: "order-1",
  recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: "+4915112345678" } } } },
  channels: [4],
  notificationClass: 2,
  category: "orders",
  content: contentToProto({ sms: { text: "On its way" } }),
  priority: 0,
  collapseKey: "",
  tags: {},
  cancelKey: "",
  sendAt: undefined,
  expiresAt: undefined,
};
const validate = compileValidator("carillon.v1.Notification");
const broken = (change: Partial<Notification>) => validate({ ...valid, ...change }).map((v) => `${v.field}: ${v.rule}`);

test("a valid notification has no violations", () => {
  assert.deepEqual(validate(valid), []);
});

test("paths are those of the .proto file, with items and keys in brackets", () => {
  const to = { $case: "endpoint", value: { address: { $case: "phoneNumber", value: "0151" } } } as const;
  assert.deepEqual(broken({ recipient: { to } }), ["recipient.endpoint.phone_number: string.pattern"]);
  assert.deepEqual(broken({ channels: [1, 0] }), ["channels[1]: enum.not_in"]);
  const push = { title: "", body: "", data: { ok: "", ['a"\\\n'.padEnd(65, "x")]: "" } };
  assert.deepEqual(broken({ content: contentToProto({ push }) }), [`content.push.data["a\\"\\\\\\n${"x".repeat(61)}"]: string.max_len`]);
});

test("names what is missing: a message, a oneof, a rule on the whole message", () => {
  assert.deepEqual(broken({ recipient: undefined }), ["recipient: required"]);
  assert.deepEqual(broken({ recipient: { to: undefined } }), ["recipient.to: required"]);
  assert.deepEqual(broken({ content: { push: undefined, sms: undefined, email: undefined } }), ["content: content.present"]);
});

test("a push has a title, a body or data", () => {
  const push = (given: object) => broken({ content: contentToProto({ push: { title: "", body: "", data: {}, ...given } }) });
  assert.deepEqual(push({}), ["content.push: push.content"]);
  for (const given of [{ title: "t" }, { body: "b" }, { data: { k: "" } }]) assert.deepEqual(push(given), []);
});

test("a background push shows nothing, a localized text takes the place of its plain one, and a badge alone is a push", () => {
  const rules = (given: Partial<PushContent>) => broken({ content: contentToProto({ push: { title: "", body: "", data: {}, ...given } }) });
  const text = { key: "K", args: [] };
  for (const given of [
    { background: true },
    { badge: 0 },
    { dataJson: { a: null } },
    { titleLocalized: text },
    { title: "t", bodyLocalized: text },
  ])
    assert.deepEqual(rules(given), [], JSON.stringify(given));
  for (const given of [{ title: "t" }, { body: "b" }, { subtitle: "s" }, { sound: "x" }, { badge: 0 }, { titleLocalized: text }])
    assert.deepEqual(rules({ background: true, ...given }), ["content.push: push.background"], JSON.stringify(given));
  for (const given of [
    { title: "t", titleLocalized: text },
    { body: "b", bodyLocalized: text },
    { title: "t", subtitle: "s", subtitleLocalized: text },
  ])
    assert.deepEqual(rules(given), ["content.push: push.localized"], JSON.stringify(given));
  assert.deepEqual(rules({ subtitle: "s" }), ["content.push: push.content"]);
});

test("numbers have their ranges, and 0 is not absent", () => {
  const push = (given: Partial<PushContent>) => broken({ content: contentToProto({ push: { title: "t", body: "", data: {}, ...given } }) });
  assert.deepEqual(push({ badge: -1 }), ["content.push.badge: int32.gte"]);
  for (const relevanceScore of [-0.1, 1.1, Number.NaN])
    assert.deepEqual(push({ relevanceScore }), ["content.push.relevance_score: double.gte_lte"], String(relevanceScore));
  for (const ttlSeconds of [undefined, 0, 2_419_200]) assert.deepEqual(broken({ ttlSeconds }), []);
  for (const ttlSeconds of [-1, 2_419_201]) assert.deepEqual(broken({ ttlSeconds }), ["ttl_seconds: int32.gte_lte"]);
});

test("an attachment has a content", () => {
  const email = emailCodec.toProto(richEmail());
  const [attachment] = email.attachments;
  const content = (over: object) => ({
    content: { push: undefined, sms: undefined, email: { ...email, attachments: [{ ...attachment!, ...over }] } },
  });
  assert.deepEqual(broken(content({})), []);
  assert.deepEqual(broken(content({ source: undefined })), ["content.email.attachments[0].source: required"]);
  assert.deepEqual(broken(content({ filename: "../a" })), ["content.email.attachments[0].filename: string.pattern"]);
});

test("a collapse key is counted in bytes", () => {
  for (const collapseKey of ["3f2b8c1e-7d4a-4f7e-9a51-0c6f5d2e8b90", "x".repeat(64), "é".repeat(32), "🍲".repeat(16)])
    assert.deepEqual(broken({ collapseKey }), []);
  for (const collapseKey of ["x".repeat(65), `${"é".repeat(32)}x`])
    assert.deepEqual(broken({ collapseKey }), ["collapse_key: string.max_bytes"]);
});

test("lengths are counted in code points", () => {
  const sms = (text: string) => broken({ content: contentToProto({ sms: { text } }) });
  assert.deepEqual(sms("😀".repeat(1_600)), []);
  assert.deepEqual(sms("😀".repeat(1_601)), ["content.sms.text: string.max_len"]);
  assert.deepEqual(sms("a".repeat(1_601)), ["content.sms.text: string.max_len"]);
  assert.deepEqual(sms(""), ["content.sms: sms.content"]);
});

test("a value over its limit is not checked further", () => {
  assert.deepEqual(broken({ channels: [0, 0, 0, 0, 0, 0] as unknown as Notification["channels"] }), ["channels: repeated.max_items"]);
  assert.deepEqual(broken({ idempotencyKey: "é".repeat(129) }), ["idempotency_key: string.max_len"]);
  const batch = compileValidator("carillon.v1.BatchSendNotificationsRequest");
  const many = (n: number) => batch({ notifications: Array(n).fill(Notification.decode(new Uint8Array())) });
  assert.deepEqual(
    many(1_001).map((v) => `${v.field}: ${v.rule}`),
    ["notifications: repeated.max_items"],
  );
  assert.equal(many(1_000).at(-1)?.field.startsWith("notifications[999]."), true);
});

test("error messages name the rule and never contain the value", () => {
  const secret = "0151-hunter2";
  const address = { $case: "phoneNumber", value: secret } as const;
  const found: Violation[] = validate({
    ...valid,
    recipient: { to: { $case: "endpoint", value: { address } } },
    category: secret.toUpperCase(),
  });
  assert.equal(found.length, 2);
  for (const v of found) assert.ok(!JSON.stringify(v).toLowerCase().includes("hunter2"), JSON.stringify(v));
});

// --- Unsupported rules. ---

type Rules = MessageInitShape<typeof FieldRulesSchema>;
function messageWith(rules: Rules, expression?: { id: string; expression: string }, repeated = false) {
  const options = create(FieldOptionsSchema);
  setExtension(options, fieldRules, create(FieldRulesSchema, rules));
  const whole = create(MessageOptionsSchema);
  if (expression) setExtension(whole, messageRules, create(MessageRulesSchema, { cel: [expression] }));
  const label = repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL;
  const field = [{ name: "f", number: 1, type: FieldDescriptorProto_Type.STRING, label, options }];
  const file = create(FileDescriptorProtoSchema, {
    name: "t.proto",
    syntax: "proto3",
    messageType: [{ name: "T", field, options: whole }],
  });
  return createFileRegistry(file, () => undefined).getMessage("T")!;
}
const compile = (...given: Parameters<typeof messageWith>) => compileMessage(messageWith(...given), new Map());

test("a supported rule compiles", () => {
  const found: Violation[] = [];
  compile({ type: { case: "string", value: { minLen: 2n } } })?.({ f: "a" }, found);
  assert.deepEqual(
    found.map((v) => v.rule),
    ["string.min_len"],
  );
});

const rejected: [string, ...Parameters<typeof messageWith>][] = [
  ["another rule for strings", { type: { case: "string", value: { minLen: 1n, prefix: "x" } } }],
  ["another format", { type: { case: "string", value: { wellKnown: { case: "uuid", value: true } } } }],
  ["a least length in bytes", { type: { case: "string", value: { minBytes: 3n } } }],
  ["an expression on a field", { cel: [{ id: "x", expression: "true" }] }],
  ["a required scalar", { required: true }],
  ["a condition to ignore rules", { ignore: 1, type: { case: "string", value: { minLen: 1n } } }],
  ["rules of another type", { type: { case: "int32", value: { const: 1 } } }],
  ["an expression without a translation", {}, { id: "other", expression: "true" }],
  ["an expression changed since it was translated", {}, { id: "email.body", expression: "this.html != ''" }],
  [
    "another rule for items",
    { type: { case: "repeated", value: { items: { type: { case: "string", value: { suffix: "x" } } } } } },
    undefined,
    true,
  ],
  ["rules of one value on a list", { type: { case: "string", value: { minLen: 1n } } }, undefined, true],
];
for (const [name, ...given] of rejected) {
  test(`${name} is rejected when compiled, not ignored`, () => {
    assert.throws(() => compile(...given), UnsupportedRuleError);
  });
}

test("patterns mean what RE2 means", () => {
  const noSpace = compilePattern("^[^\\s]+$");
  assert.equal(noSpace("a\u00a0b"), true); // a space to JavaScript only
  assert.equal(noSpace("a b"), false);
  assert.equal(compilePattern("^a$")("a\n"), false);
  const noControl = compilePattern("^[^\\x00-\\x1f\\x7f]*$");
  assert.deepEqual(["", "a b\u00a0\ud83d\udd14", "a\u0000", "\u001f", "\u007f"].map(noControl), [true, true, false, false, false]);
  for (const unsure of ["a", "^.$", "^(?i)a$", "^\\ba$", "^\\pL$", "^[[:alpha:]]$", "^\\x{1f514}$", "^\\x1$"])
    assert.throws(() => compilePattern(unsure), /not supported/, unsure);
});

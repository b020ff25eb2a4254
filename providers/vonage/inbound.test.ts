import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { Webhook } from "../transport/webhook.ts";
import { vonage } from "./webhook.ts";

const SECRET = "signature-secret";
const NOW = Date.UTC(2026, 0, 5, 12);
const FIELDS = {
  ...{ msisdn: "447700900123", to: "447700900001", messageId: "0B00000053FFB40F", text: "Stop", type: "text", keyword: "STOP" },
  ...{ "api-key": "abcd1234", "message-timestamp": "2026-01-05 12:00:00", timestamp: String(NOW / 1_000), nonce: "aaaaaaaa-bbbb" },
};
const TEXT = { id: FIELDS.messageId, from: "+447700900123", to: ["447700900001"], text: "Stop", sentAt: NOW };

function signed(fields: Record<string, string>): Record<string, string> {
  const text = Object.keys(fields)
    .sort()
    .map((name) => `&${name}=${fields[name]!.replace(/[&=]/g, "_")}`)
    .join("");
  return { ...fields, sig: createHmac("sha256", SECRET).update(text).digest("hex") };
}

const common = { url: "https://hooks.example.com/vonage", receivedAt: NOW };
const byJson = (fields: Record<string, unknown>): Webhook => ({
  ...{ ...common, query: new URLSearchParams(), headers: { "content-type": "application/json" } },
  body: Buffer.from(JSON.stringify(fields)),
});
const byForm = (fields: Record<string, string>): Webhook => ({
  ...{ ...common, query: new URLSearchParams(), headers: { "content-type": "application/x-www-form-urlencoded" } },
  body: Buffer.from(new URLSearchParams(fields).toString()),
});
const byGet = (fields: Record<string, string>): Webhook => ({
  ...{ ...common, query: new URLSearchParams(fields), headers: {}, body: Buffer.alloc(0) },
});
const read = (webhook: Webhook) => vonage.texts?.read(webhook);

test("a text is verified and read by POST with JSON or a form, and by GET", () => {
  for (const webhook of [byJson(signed(FIELDS)), byForm(signed(FIELDS)), byGet(signed(FIELDS))]) {
    assert.ok(vonage.verify(webhook, SECRET, {}));
    assert.deepEqual(read(webhook), TEXT);
    assert.ok(!vonage.verify(webhook, "another", {}));
  }
  for (const send of [byForm, byGet]) assert.ok(!vonage.verify(send({ ...signed(FIELDS), msisdn: "447700900124" }), SECRET, {}));
});

test("a receipt by GET is one, too", () => {
  const attempt = `${"ab".repeat(16)}-0/1`;
  const fields = { msisdn: "447700900123", to: "Shop", messageId: "0A00", status: "failed", "err-code": "9", "client-ref": attempt };
  const webhook = byGet(signed({ ...fields, timestamp: String(NOW / 1_000) }));
  assert.ok(vonage.verify(webhook, SECRET, {}));
  assert.equal(read(webhook), undefined);
  assert.deepEqual(vonage.read(webhook), [
    {
      ...{ attemptId: attempt, provider: "vonage", kind: "undelivered", at: NOW, reason: "9", providerRef: "0A00" },
      learned: { kind: "stop", reason: "9" },
    },
  ]);
});

test("a token does not cover a query, so that it proves nothing by GET", () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: NOW / 1_000, payload_hash })}`;
  const authorization = `Bearer ${head}.${createHmac("sha256", SECRET).update(head).digest("base64url")}`;
  assert.ok(!vonage.verify({ ...byGet(FIELDS), headers: { authorization } }, SECRET, {}));
  assert.ok(!vonage.verify(byGet(signed(FIELDS)), SECRET, { VONAGE_WEBHOOK_TOKEN_REQUIRED: true }));
});

test("parts are read as such; what cannot be joined is ignored", () => {
  const part = (fields: Record<string, string>) => read(byJson({ ...FIELDS, concat: "true", ...fields }));
  const good = { "concat-ref": "1a", "concat-total": "3", "concat-part": "2" };
  assert.deepEqual(part(good), { ...TEXT, part: { ref: "1a", total: 3, index: 2 } });
  assert.deepEqual(part({ ...good, "concat-total": "1" }), TEXT);
  for (const bad of [
    { "concat-part": "4" },
    { "concat-part": "0" },
    { "concat-total": "11" },
    { "concat-ref": "" },
    { "concat-part": "x" },
  ])
    assert.equal(part({ ...good, ...bad }), "ignored", JSON.stringify(bad));
});

test("binary texts and texts of names are ignored, what lacks an id or a sender is not documented", () => {
  const { text: _text, ...binary } = FIELDS;
  assert.equal(read(byJson({ ...binary, type: "binary", data: "00" })), "ignored");
  assert.equal(read(byJson({ ...FIELDS, msisdn: "Shop" })), "ignored");
  assert.equal(read(byJson({ ...FIELDS, messageId: "" })), "unreadable");
  assert.equal(read(byJson({ ...FIELDS, to: "" })), "unreadable");
});

test("what is no time is none", () => {
  for (const bad of ["", "2026-13-05 12:00:00", "2026-01-05T12:00:00Z", "yesterday"]) {
    const { sentAt: _sentAt, ...text } = TEXT;
    assert.deepEqual(read(byJson({ ...FIELDS, "message-timestamp": bad })), text, bad);
  }
});

test("a number with and without its plus is one sender", () => {
  const settings = { VONAGE_FROM: "Shop", VONAGE_SENDERS: [{ name: "orders", prefix: "+44", from: "447700900001" }] };
  const poolsOf = (to: string[]) => vonage.texts?.poolsOf({ ...TEXT, to }, settings);
  assert.deepEqual(poolsOf(["447700900001"]), ["orders"]);
  assert.deepEqual(poolsOf(["Shop"]), [""]);
  assert.deepEqual(poolsOf(["447700900009"]), []);
});

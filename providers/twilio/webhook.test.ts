import assert from "node:assert/strict";
import { test } from "node:test";
import twilioSdk from "twilio";
import type { Webhook } from "../transport/webhook.ts";
import { TWILIO_EVENTS, twilio } from "./webhook.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const ATTEMPT = `${"ab".repeat(16)}-0/1`;
const BASE = "https://hooks.example.com/in";
const NOW = Date.UTC(2026, 0, 5, 12);

const FORM = { MessageSid: `SM${"1".repeat(32)}`, MessageStatus: "delivered", To: "+447700900123", From: "+15005550006" };

/** As Twilio's own SDK signs it. */
function webhookOf(form: Record<string, string | string[]>, { attempt = ATTEMPT, signedUrl = "", token = TOKEN } = {}): Webhook {
  const query = new URLSearchParams({ attempt });
  const url = `${BASE}/twilio?${query}`;
  const body = new URLSearchParams(
    Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
  );
  const signature = twilioSdk.getExpectedTwilioSignature(token, signedUrl || url, form);
  return { url, query, headers: { "x-twilio-signature": signature }, body: Buffer.from(body.toString()), receivedAt: NOW };
}

test("accepts what Twilio's SDK signs, including special characters and repeated fields", () => {
  assert.ok(twilio.verify(webhookOf(FORM), TOKEN, {}));
  assert.ok(twilio.verify(webhookOf({ ...FORM, Body: "Żółć & more = 1+1", empty: "" }), TOKEN, {}));
  assert.ok(twilio.verify(webhookOf({ ...FORM, Media: ["b", "a", "b"] }), TOKEN, {}));
});

test("accepts a URL that Twilio signed with or without its port", () => {
  const query = new URLSearchParams({ attempt: ATTEMPT });
  assert.ok(twilio.verify(webhookOf(FORM, { signedUrl: `https://hooks.example.com:443/in/twilio?${query}` }), TOKEN, {}));
  const signedUrl = `${BASE}/twilio?${query}`;
  assert.ok(twilio.verify({ ...webhookOf(FORM, { signedUrl }), url: signedUrl.replace(".com", ".com:8443") }, TOKEN, {}));
});

test("rejects another token, attempt, field or host, and no signature at all", () => {
  const good = webhookOf(FORM);
  assert.ok(!twilio.verify(webhookOf(FORM, { token: "another" }), TOKEN, {}));
  assert.ok(!twilio.verify({ ...good, url: good.url.replace("%2F1", "%2F2") }, TOKEN, {}));
  assert.ok(!twilio.verify({ ...good, url: good.url.replace("hooks.", "other.") }, TOKEN, {}));
  assert.ok(!twilio.verify({ ...good, body: Buffer.from(good.body.toString().replace("delivered", "failed")) }, TOKEN, {}));
  for (const signature of ["", "?", "AAAA", undefined])
    assert.ok(!twilio.verify({ ...good, headers: { "x-twilio-signature": signature } }, TOKEN, {}), String(signature));
});

test("rejects a callback whose ErrorCode is hidden in the field before it, or given twice", () => {
  const failed = { ApiVersion: "2010-04-01", ErrorCode: "30003", MessageStatus: "undelivered" };
  const good = webhookOf(failed);
  assert.ok(twilio.verify(good, TOKEN, {}));
  const forms: Record<string, string>[] = [
    { ApiVersion: "2010-04-01ErrorCode30003", MessageStatus: "undelivered" },
    { "ApiVersion2010-04-01ErrorCode": "30003", MessageStatus: "undelivered" },
    { ApiVersion: "2010-04-01", ErrorCode: "30003MessageStatusundelivered" },
  ];
  for (const form of forms) {
    const forged = { ...good, body: Buffer.from(new URLSearchParams(form).toString()) };
    assert.equal(webhookOf(form).headers["x-twilio-signature"], good.headers["x-twilio-signature"], "the signed text is the same");
    assert.ok(!twilio.verify(forged, TOKEN, {}), JSON.stringify(form));
  }
  assert.ok(!twilio.verify(webhookOf({ MessageStatus: ["delivered", "failed"] }), TOKEN, {}));
});

test("only what may be a signature is read", () => {
  for (const signature of [undefined, "", "?", "AAAA", `${Buffer.alloc(20).toString("base64")}, x`, Buffer.alloc(64).toString("base64")])
    assert.ok(!twilio.maySign({ "x-twilio-signature": signature }, {}), String(signature));
  assert.ok(twilio.maySign(webhookOf(FORM).headers, {}));
});

test("reads the attempt, the kind and Twilio's code", () => {
  const common = { attemptId: ATTEMPT, provider: "twilio", providerRef: FORM.MessageSid, at: NOW };
  assert.deepEqual(twilio.read(webhookOf(FORM)), [{ ...common, kind: "delivered" }]);
  assert.deepEqual(twilio.read(webhookOf({ ...FORM, MessageStatus: "sent" })), [{ ...common, kind: "accepted" }]);
  const failed = { ...FORM, MessageStatus: "undelivered", ErrorCode: "30003" };
  assert.deepEqual(twilio.read(webhookOf(failed)), [{ ...common, kind: "undelivered", reason: "30003" }]);
  assert.deepEqual(twilio.read(webhookOf({ ...FORM, MessageStatus: "canceled" })), [
    { ...common, kind: "undelivered", reason: "canceled" },
  ]);
});

test("ignores receipts that are not ours, and rejects what is no status callback", () => {
  for (const MessageStatus of ["received", "constructor", "__proto__", ""])
    assert.deepEqual(twilio.read(webhookOf({ ...FORM, MessageStatus })), []);
  assert.deepEqual(twilio.read(webhookOf(FORM, { attempt: "" })), []);
  assert.equal(twilio.read({ ...webhookOf(FORM), body: Buffer.from("hello") }), undefined);
  assert.ok(Object.keys(TWILIO_EVENTS).length > 8);
});

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { SignJWT } from "jose";
import { SIGNED_AGO_MS_MAX, SIGNED_AHEAD_MS_MAX, type Webhook } from "../transport/webhook.ts";
import { vonage } from "./webhook.ts";

const SECRET = "signature-secret";
const ATTEMPT = `${"ab".repeat(16)}-0/1`;
const NOW = Date.UTC(2026, 0, 5, 12);
const seconds = (ms: number) => String(Math.floor(ms / 1_000));

const RECEIPT = {
  msisdn: "447700900123",
  to: "Carillon",
  messageId: "0A0000001234567B",
  status: "delivered",
  "err-code": "0",
  "client-ref": ATTEMPT,
  "message-timestamp": "2026-01-05 12:00:00",
  timestamp: seconds(NOW),
  nonce: "0d7a",
};

/** Written out for these fields, so that the test does not derive it in the same way as the code. */
const signedText = (p: Record<string, string>) =>
  `&client-ref=${p["client-ref"]}&err-code=${p["err-code"]}&message-timestamp=${p["message-timestamp"]}&messageId=${p.messageId}` +
  `&msisdn=${p.msisdn}&nonce=${p.nonce}&status=${p.status}&timestamp=${p.timestamp}&to=${p.to?.replace("&", "_").replace("=", "_")}`;

function signed(change: Record<string, string> = {}, { secret = SECRET, algorithm = "sha256", form = false } = {}): Webhook {
  const params = { ...RECEIPT, ...change };
  const sig = createHmac(algorithm, secret).update(signedText(params)).digest("hex").toUpperCase();
  const body = form ? new URLSearchParams({ ...params, sig }).toString() : JSON.stringify({ ...params, sig });
  return webhookOf(body, { "content-type": form ? "application/x-www-form-urlencoded" : "application/json" });
}

const webhookOf = (body: string, headers: Webhook["headers"]): Webhook => ({
  ...{ url: "https://hooks.example.com/vonage", query: new URLSearchParams(), headers, body: Buffer.from(body), receivedAt: NOW },
});

const MESSAGE = { message_uuid: "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", status: "rejected", client_ref: ATTEMPT };

async function withToken(change: { claims?: Record<string, unknown>; alg?: string; secret?: string; body?: string; iat?: number } = {}) {
  const body = JSON.stringify(MESSAGE);
  const payload_hash = createHash("sha256").update(body).digest("hex");
  const token = await new SignJWT({ iss: "Vonage", api_key: "5a4db0c5", payload_hash, ...change.claims })
    .setProtectedHeader({ alg: change.alg ?? "HS256" })
    .setIssuedAt(Math.floor((change.iat ?? NOW) / 1_000))
    .sign(Buffer.from((change.secret ?? SECRET).padEnd(change.alg ? 64 : 0, "-")));
  return webhookOf(change.body ?? body, { "content-type": "application/json; charset=utf-8", authorization: `Bearer ${token}` });
}

test("accepts a delivery receipt signed by SHA-256 HMAC, as JSON and as a form", () => {
  assert.ok(vonage.verify(signed(), SECRET));
  assert.ok(vonage.verify(signed({}, { form: true }), SECRET));
  assert.ok(vonage.verify(signed({ to: "A&B=C" }), SECRET));
});

test("rejects another secret, algorithm or field, and what is not signed", () => {
  assert.ok(!vonage.verify(signed({}, { secret: "other" }), SECRET));
  assert.ok(!vonage.verify(signed({}, { algorithm: "md5" }), SECRET));
  const good = signed();
  assert.ok(!vonage.verify({ ...good, body: Buffer.from(good.body.toString().replace("delivered", "failed")) }, SECRET));
  for (const body of [
    "",
    "{}",
    "[]",
    "nothing",
    JSON.stringify(RECEIPT),
    JSON.stringify({ ...RECEIPT, sig: 7 }),
    JSON.stringify({ ...RECEIPT, sig: "" }),
  ])
    assert.ok(!vonage.verify(webhookOf(body, good.headers), SECRET), body);
});

test("rejects what was signed too long ago, too far ahead, or at no time", () => {
  const at = (ms: number) => vonage.verify(signed({ timestamp: seconds(ms) }), SECRET);
  assert.ok(at(NOW - SIGNED_AGO_MS_MAX));
  assert.ok(!at(NOW - SIGNED_AGO_MS_MAX - 1_000));
  assert.ok(at(NOW + SIGNED_AHEAD_MS_MAX));
  assert.ok(!at(NOW + SIGNED_AHEAD_MS_MAX + 1_000));
  assert.ok(!vonage.verify(signed({ timestamp: "soon" }), SECRET));
});

test("accepts a token signed with the signature secret that has the body's hash and a recent time", async () => {
  assert.ok(vonage.verify(await withToken(), SECRET));
  assert.ok(!vonage.verify(await withToken({ secret: "other" }), SECRET));
  assert.ok(!vonage.verify(await withToken({ body: JSON.stringify({ ...MESSAGE, status: "delivered" }) }), SECRET));
  assert.ok(!vonage.verify(await withToken({ claims: { payload_hash: undefined } }), SECRET));
  assert.ok(!vonage.verify(await withToken({ iat: NOW - SIGNED_AGO_MS_MAX - 1_000 }), SECRET));
  // Signed as HS256 would be, named otherwise: the algorithm is not the sender's choice.
  const [, claims = ""] = String((await withToken()).headers.authorization).split(".");
  for (const alg of ["none", "HS512", "RS256"]) {
    const head = Buffer.from(JSON.stringify({ alg })).toString("base64url");
    const signature = createHmac("sha256", SECRET).update(`${head}.${claims}`).digest("base64url");
    const webhook = await withToken();
    assert.ok(
      !vonage.verify({ ...webhook, headers: { ...webhook.headers, authorization: `Bearer ${head}.${claims}.${signature}` } }, SECRET),
      alg,
    );
  }
  const good = await withToken();
  for (const token of ["x", "..", "a.b.c", `${String(good.headers.authorization).slice(7)}.more`])
    assert.ok(!vonage.verify({ ...good, headers: { ...good.headers, authorization: `Bearer ${token}` } }, SECRET), token);
});

test("reads receipts of both APIs, with Vonage's code for what did not arrive", async () => {
  const common = { attemptId: ATTEMPT, provider: "vonage", at: NOW };
  const sms = { ...common, providerRef: RECEIPT.messageId };
  assert.deepEqual(vonage.read(signed()), [{ ...sms, kind: "delivered" }]);
  assert.deepEqual(vonage.read(signed({ status: "buffered" }, { form: true })), [{ ...sms, kind: "accepted" }]);
  assert.deepEqual(vonage.read(signed({ status: "failed", "err-code": "9" })), [{ ...sms, kind: "undelivered", reason: "9" }]);
  assert.deepEqual(vonage.read(signed({ status: "expired" })), [{ ...sms, kind: "undelivered", reason: "expired" }]);
  const receipt = { ...common, providerRef: MESSAGE.message_uuid, kind: "undelivered" };
  assert.deepEqual(vonage.read(await withToken()), [{ ...receipt, reason: "rejected" }]);
  const error = { type: "https://developer.vonage.com/api-errors/messages#1240", title: "Opted out" };
  const headers = { "content-type": "application/json" };
  assert.deepEqual(vonage.read(webhookOf(JSON.stringify({ ...MESSAGE, error }), headers)), [{ ...receipt, reason: "1240" }]);
});

test("ignores receipts that are not ours, and rejects what has no status", () => {
  assert.deepEqual(vonage.read(signed({ status: "toString" })), []);
  assert.deepEqual(vonage.read(signed({ "client-ref": "campaign-7" })), []);
  const headers = { "content-type": "application/json" };
  for (const body of ["", "nothing", "[]", "null", "{}"]) assert.equal(vonage.read(webhookOf(body, headers)), undefined, body);
});

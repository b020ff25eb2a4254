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
  assert.ok(vonage.verify(signed(), SECRET, {}));
  assert.ok(vonage.verify(signed({}, { form: true }), SECRET, {}));
  assert.ok(vonage.verify(signed({ to: "A&B=C" }), SECRET, {}));
});

test("rejects another secret, algorithm or field, and what is not signed", () => {
  assert.ok(!vonage.verify(signed({}, { secret: "other" }), SECRET, {}));
  assert.ok(!vonage.verify(signed({}, { algorithm: "md5" }), SECRET, {}));
  const good = signed();
  assert.ok(!vonage.verify({ ...good, body: Buffer.from(good.body.toString().replace("delivered", "failed")) }, SECRET, {}));
  for (const body of [
    "",
    "{}",
    "[]",
    "nothing",
    JSON.stringify(RECEIPT),
    JSON.stringify({ ...RECEIPT, sig: 7 }),
    JSON.stringify({ ...RECEIPT, sig: "" }),
  ])
    assert.ok(!vonage.verify(webhookOf(body, good.headers), SECRET, {}), body);
});

test("rejects what was signed too long ago, too far ahead, or at no time", () => {
  const at = (ms: number) => vonage.verify(signed({ timestamp: seconds(ms) }), SECRET, {});
  assert.ok(at(NOW - SIGNED_AGO_MS_MAX));
  assert.ok(!at(NOW - SIGNED_AGO_MS_MAX - 1_000));
  assert.ok(at(NOW + SIGNED_AHEAD_MS_MAX));
  assert.ok(!at(NOW + SIGNED_AHEAD_MS_MAX + 1_000));
  assert.ok(!vonage.verify(signed({ timestamp: "soon" }), SECRET, {}));
});

const json = { "content-type": "application/json" };

test("rejects fields that are no texts or numbers, without an error", () => {
  const timestamp = Math.floor(NOW / 1_000);
  const values = [{ toString: 1, valueOf: 1 }, { toString: "x" }, [], [1], [["x"]], {}, null, true, JSON.parse('{"__proto__":1}')];
  for (const a of values) {
    const body = JSON.stringify({ sig: "aa".repeat(32), timestamp, status: "x", a });
    assert.equal(vonage.verify(webhookOf(body, json), SECRET, {}), false, body);
  }
  for (const a of [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`])
    assert.equal(vonage.verify(webhookOf(`{"sig":"aa","timestamp":${timestamp},"status":"x","a":${a}}`, json), SECRET, {}), false);
  // As a number it is signed like the text.
  const { sig, ...params } = JSON.parse(signed().body.toString());
  assert.ok(vonage.verify(webhookOf(JSON.stringify({ ...params, timestamp, sig }), json), SECRET, {}));
  for (const odd of [
    [params.timestamp],
    { toString: params.timestamp },
    `${params.timestamp} `,
    `+${params.timestamp}`,
    `${params.timestamp}.0`,
  ])
    assert.equal(
      vonage.verify(webhookOf(JSON.stringify({ ...params, timestamp: odd, sig }), json), SECRET, {}),
      false,
      String(JSON.stringify(odd)),
    );
});

test("rejects a true receipt whose fields are joined in another field's name, in JSON and in a form", () => {
  const { sig, ...params } = JSON.parse(signed().body.toString()) as Record<string, string>;
  const names = Object.keys(params).sort();
  const bodies = (pairs: [string, string][]) => [
    webhookOf(JSON.stringify({ ...Object.fromEntries(pairs), sig }), json),
    webhookOf(new URLSearchParams([...pairs, ["sig", sig ?? ""]]).toString(), { "content-type": "application/x-www-form-urlencoded" }),
  ];
  const pairsOf = (list: string[]) => list.map((name): [string, string] => [name, params[name] ?? ""]);
  for (const good of bodies(pairsOf(names))) assert.ok(vonage.verify(good, SECRET, {}));
  // The signed text is the same: a name that holds the field before it.
  for (let i = 1; i < names.length; i++) {
    const [before = "", name = ""] = [names[i - 1], names[i]];
    const joined: [string, string] = [`${before}=${params[before]}&${name}`, params[name] ?? ""];
    const pairs = [...pairsOf(names.slice(0, i - 1)), joined, ...pairsOf(names.slice(i + 1))];
    for (const forged of bodies(pairs)) assert.equal(vonage.verify(forged, SECRET, {}), false, joined[0]);
  }
  const twice = `${new URLSearchParams({ ...params, sig: sig ?? "" })}&status=failed`;
  assert.equal(vonage.verify(webhookOf(twice, { "content-type": "application/x-www-form-urlencoded" }), SECRET, {}), false);
});

test("where the token is required, a signature among the parameters is not enough, nor is the body read for it", async () => {
  const settings = { VONAGE_WEBHOOK_TOKEN_REQUIRED: true };
  const [plain, token] = [signed(), await withToken()];
  assert.deepEqual([vonage.maySign(plain.headers, settings), vonage.verify(plain, SECRET, settings)], [false, false]);
  assert.deepEqual([vonage.maySign(plain.headers, {}), vonage.maySign(token.headers, settings)], [true, true]);
  assert.ok(vonage.verify(token, SECRET, settings));
  for (const authorization of ["Bearer", "Bearer x", "Bearer a.b.c", `Bearer ${"a".repeat(5_000)}`])
    assert.equal(vonage.maySign({ ...token.headers, authorization }, {}), false, authorization);
});

test("accepts a token signed with the signature secret that has the body's hash and a recent time", async () => {
  assert.ok(vonage.verify(await withToken(), SECRET, {}));
  assert.ok(!vonage.verify(await withToken({ secret: "other" }), SECRET, {}));
  assert.ok(!vonage.verify(await withToken({ body: JSON.stringify({ ...MESSAGE, status: "delivered" }) }), SECRET, {}));
  assert.ok(!vonage.verify(await withToken({ claims: { payload_hash: undefined } }), SECRET, {}));
  assert.ok(!vonage.verify(await withToken({ iat: NOW - SIGNED_AGO_MS_MAX - 1_000 }), SECRET, {}));
  // Signed as HS256 would be, named otherwise: the algorithm is not the sender's choice.
  const [, claims = ""] = String((await withToken()).headers.authorization).split(".");
  for (const alg of ["none", "HS512", "RS256"]) {
    const head = Buffer.from(JSON.stringify({ alg })).toString("base64url");
    const signature = createHmac("sha256", SECRET).update(`${head}.${claims}`).digest("base64url");
    const webhook = await withToken();
    assert.ok(
      !vonage.verify({ ...webhook, headers: { ...webhook.headers, authorization: `Bearer ${head}.${claims}.${signature}` } }, SECRET, {}),
      alg,
    );
  }
  const good = await withToken();
  for (const token of ["x", "..", "a.b.c", `${String(good.headers.authorization).slice(7)}.more`])
    assert.ok(!vonage.verify({ ...good, headers: { ...good.headers, authorization: `Bearer ${token}` } }, SECRET, {}), token);
});

test("reads receipts of both APIs, with Vonage's code for what did not arrive", async () => {
  const common = { attemptId: ATTEMPT, provider: "vonage", at: NOW };
  const sms = { ...common, providerRef: RECEIPT.messageId };
  assert.deepEqual(vonage.read(signed()), [{ ...sms, kind: "delivered" }]);
  assert.deepEqual(vonage.read(signed({ status: "buffered" }, { form: true })), [{ ...sms, kind: "accepted" }]);
  assert.deepEqual(vonage.read(signed({ status: "failed", "err-code": "9" })), [
    { ...sms, kind: "undelivered", reason: "9", learned: { kind: "stop", reason: "9" } },
  ]);
  assert.deepEqual(vonage.read(signed({ status: "expired" })), [{ ...sms, kind: "undelivered", reason: "expired" }]);
  const receipt = { ...common, providerRef: MESSAGE.message_uuid, kind: "undelivered" };
  assert.deepEqual(vonage.read(await withToken()), [{ ...receipt, reason: "rejected" }]);
  const error = { type: "https://developer.vonage.com/api-errors/messages#1240", title: "Opted out" };
  const headers = { "content-type": "application/json" };
  assert.deepEqual(vonage.read(webhookOf(JSON.stringify({ ...MESSAGE, error }), headers)), [
    { ...receipt, reason: "1240", learned: { kind: "stop", reason: "1240" } },
  ]);
});

test("ignores receipts that are not ours, and rejects what has no status", () => {
  assert.deepEqual(vonage.read(signed({ status: "toString" })), []);
  assert.deepEqual(vonage.read(signed({ "client-ref": "campaign-7" })), []);
  const headers = { "content-type": "application/json" };
  for (const body of ["", "nothing", "[]", "null", "{}"]) assert.equal(vonage.read(webhookOf(body, headers)), undefined, body);
});

// Every provider's reader of webhooks under bodies, headers and changes that no provider sends. The seeds are fixed; a failure prints its input.
import assert from "node:assert/strict";
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PROVIDERS } from "./list.ts";
import type { Webhook, WebhookReader, WebhookSettings } from "./transport/webhook.ts";

const ATTEMPT = `${"ab".repeat(16)}-0/1`;
const NOW = Date.UTC(2026, 0, 5, 12);
const SECONDS = String(NOW / 1_000);
const SECRET = "signature-secret";
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const SETTINGS: WebhookSettings = { VONAGE_WEBHOOK_TOKEN_REQUIRED: false };

const base64 = (algorithm: string, text: string) => createHmac(algorithm, SECRET).update(text).digest("base64");

function webhookOf(provider: string, body: string, headers: Webhook["headers"], query = ""): Webhook {
  const url = `https://hooks.example.com/${provider}${query}`;
  return { url, query: new URLSearchParams(query), headers, body: Buffer.from(body), receivedAt: NOW };
}

interface Genuine {
  reader: WebhookReader;
  key: string;
  webhook: Webhook;
  signatureHeader: string | undefined;
}

const readerOf = (name: string) => PROVIDERS.find((p) => p.name === name)!.webhook!.reader;

function vonageParams(): Record<string, string> {
  const params: Record<string, string> = { ...{ msisdn: "447700900123", to: "Bells & Co", messageId: "0A00", status: "failed" } };
  Object.assign(params, { "err-code": "9", "client-ref": ATTEMPT, timestamp: SECONDS, nonce: "0d7a" });
  const text = Object.keys(params).sort();
  const signed = text.map((name) => `&${name}=${params[name]!.replace(/[&=]/g, "_")}`).join("");
  return { ...params, sig: createHmac("sha256", SECRET).update(signed).digest("hex") };
}

function vonageToken(body: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload_hash = createHash("sha256").update(body).digest("hex");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: NOW / 1_000, iss: "Vonage", payload_hash })}`;
  return `Bearer ${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

const genuine: Record<string, () => Genuine> = {
  twilio() {
    const query = `?${new URLSearchParams({ attempt: ATTEMPT })}`;
    const fields = { AccountSid: `AC${"0".repeat(32)}`, ApiVersion: "2010-04-01", ErrorCode: "30003", From: "+15005550006" };
    const form = { ...fields, MessageSid: `SM${"1".repeat(32)}`, MessageStatus: "undelivered", To: "+447700900123" };
    const signature = base64("sha1", `https://hooks.example.com/twilio${query}${Object.entries(form).flat().join("")}`);
    const headers = { "x-twilio-signature": signature, "content-type": FORM };
    const webhook = webhookOf("twilio", new URLSearchParams(form).toString(), headers, query);
    return { reader: readerOf("twilio"), key: SECRET, webhook, signatureHeader: "x-twilio-signature" };
  },
  mandrill() {
    const events = JSON.stringify([
      { event: "hard_bounce", _id: "abc", ts: NOW / 1_000 - 5, msg: { metadata: { carillon_attempt: ATTEMPT } } },
    ]);
    const signature = base64("sha1", `https://hooks.example.com/mandrillmandrill_events${events}`);
    const body = new URLSearchParams({ mandrill_events: events }).toString();
    const webhook = webhookOf("mandrill", body, { "x-mandrill-signature": signature, "content-type": FORM });
    return { reader: readerOf("mandrill"), key: SECRET, webhook, signatureHeader: "x-mandrill-signature" };
  },
  sendgrid() {
    const body = JSON.stringify([{ event: "bounce", carillon_attempt: ATTEMPT, timestamp: NOW / 1_000 - 5, sg_message_id: "abc.filter1" }]);
    const signature = sign("sha256", Buffer.from(SECONDS + body), ec.privateKey).toString("base64");
    const key = ec.publicKey.export({ format: "der", type: "spki" }).toString("base64");
    const names = "x-twilio-email-event-webhook";
    const webhook = webhookOf("sendgrid", body, { [`${names}-timestamp`]: SECONDS, [`${names}-signature`]: signature });
    return { reader: readerOf("sendgrid"), key, webhook, signatureHeader: `${names}-signature` };
  },
  "vonage, JSON"() {
    const webhook = webhookOf("vonage", JSON.stringify(vonageParams()), { "content-type": JSON_TYPE });
    return { reader: readerOf("vonage"), key: SECRET, webhook, signatureHeader: undefined };
  },
  "vonage, form"() {
    const webhook = webhookOf("vonage", new URLSearchParams(vonageParams()).toString(), { "content-type": FORM });
    return { reader: readerOf("vonage"), key: SECRET, webhook, signatureHeader: undefined };
  },
  "vonage, token"() {
    const body = JSON.stringify({ message_uuid: "aaaa-bbbb", status: "rejected", client_ref: ATTEMPT, usage: { price: "0.1" } });
    const webhook = webhookOf("vonage", body, { "content-type": JSON_TYPE, authorization: vonageToken(body) });
    return { reader: readerOf("vonage"), key: SECRET, webhook, signatureHeader: "authorization" };
  },
};

/** Names and values that break code which takes foreign objects for plain ones. */
const oddText = fc.constantFrom(
  ...[
    "",
    "toString",
    "valueOf",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "then",
    "length",
    "sig",
    "timestamp",
    "status",
    "a=b&c",
    "&",
    "=",
  ],
  ...["mandrill_events", "MessageStatus", "ErrorCode", "carillon_attempt", "%", "%ZZ", "\u0000", "\ud800", "é", SECONDS, ATTEMPT],
);
const oddValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.oneof(oddText, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(oddText, tie("value")), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;
const deep = fc.constantFrom(
  "[".repeat(100_000),
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  '{"a":'.repeat(50_000),
  `{"a":${"[".repeat(9)}1${"]".repeat(9)}}`,
);
const body = fc.oneof(
  oddValue.map((value) => Buffer.from(JSON.stringify(value) ?? "")),
  oddValue.map((value) => Buffer.from(JSON.stringify({ sig: "aa", timestamp: Number(SECONDS), status: "x", a: value }) ?? "")),
  fc.array(fc.tuple(oddText, oddText), { maxLength: 8 }).map((pairs) => Buffer.from(pairs.map((pair) => pair.join("=")).join("&"))),
  oddValue.map((value) => Buffer.from(new URLSearchParams({ mandrill_events: JSON.stringify(value) ?? "" }).toString())),
  deep.map((text) => Buffer.from(text)),
  fc.constant(Buffer.from("a=1&".repeat(20_000))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const headerText = fc.oneof(
  oddText,
  fc.base64String({ maxLength: 60 }),
  fc.constantFrom("Bearer", "Bearer x", "Bearer a.b.c", "bearer ..", "Bearer e30.e30.AAAA"),
);
const headers = fc.record(
  {
    "content-type": fc.constantFrom(FORM, JSON_TYPE, "application/json; charset=x", "text/plain"),
    authorization: headerText,
    "x-twilio-signature": headerText,
    "x-mandrill-signature": headerText,
    "x-twilio-email-event-webhook-timestamp": fc.oneof(headerText, fc.constant(SECONDS)),
    "x-twilio-email-event-webhook-signature": headerText,
  },
  { requiredKeys: [] },
);

const flipped = (text: string, at: number, by: number) => {
  const bytes = Buffer.from(text);
  const i = at % bytes.length;
  bytes[i] = bytes[i]! ^ (by || 1);
  return bytes;
};

for (const [name, make] of Object.entries(genuine)) {
  describe(name, () => {
    const { reader, key, webhook, signatureHeader } = make();
    const verified = (given: Webhook) => reader.verify(given, key, SETTINGS);

    test("a genuine webhook is verified and has its receipt", () => {
      assert.ok(reader.maySign(webhook.headers, SETTINGS));
      assert.ok(verified(webhook));
      assert.equal(reader.read(webhook)?.[0]?.kind, "undelivered");
    });

    test("nothing that was not signed is verified, and nothing throws", () => {
      const property = fc.property(body, headers, oddText, (bytes, given, query) => {
        const other: Webhook = { ...webhook, body: bytes, headers: given, query: new URLSearchParams({ attempt: query }) };
        reader.maySign(given, SETTINGS);
        reader.isProbe?.(other);
        assert.equal(verified(other), false);
        reader.read(other);
        reader.texts?.read(other);
        // The signature of another body.
        assert.equal(verified({ ...webhook, body: bytes }), false);
      });
      fc.assert(property, { numRuns: 400, seed: 5 });
    });

    test("with a byte changed a body is rejected, or says the same", () => {
      const property = fc.property(fc.nat(), fc.nat(255), (at, by) => {
        const changed = { ...webhook, body: flipped(webhook.body.toString(), at, by) };
        if (!changed.body.equals(webhook.body) && verified(changed)) assert.deepEqual(reader.read(changed), reader.read(webhook));
      });
      fc.assert(property, { numRuns: 700, seed: 5 });
    });

    test("with bytes put in or left out a body is rejected, or says the same", () => {
      const property = fc.property(fc.nat(), fc.nat(6), oddText, (at, cut, put) => {
        const text = webhook.body.toString();
        const from = at % text.length;
        const changed = { ...webhook, body: Buffer.from(text.slice(0, from) + put + text.slice(from + cut)) };
        if (verified(changed)) assert.deepEqual(reader.read(changed), reader.read(webhook));
      });
      fc.assert(property, { numRuns: 700, seed: 5 });
    });

    test("with a character changed a signature is rejected", () => {
      if (signatureHeader === undefined) return;
      const property = fc.property(fc.nat(), fc.nat(127), (at, by) => {
        const signature = String(webhook.headers[signatureHeader]);
        const changed = flipped(signature, at, by).toString("latin1");
        // The scheme's name is the same in capitals.
        if (changed.toLowerCase().startsWith("bearer ") && changed.slice(7) === signature.slice(7)) return;
        assert.equal(verified({ ...webhook, headers: { ...webhook.headers, [signatureHeader]: changed } }), false, changed);
      });
      fc.assert(property, { numRuns: 400, seed: 5 });
      for (const more of ["=", "A", " ", "zz", ", x"])
        assert.ok(
          !verified({ ...webhook, headers: { ...webhook.headers, [signatureHeader]: `${webhook.headers[signatureHeader]}${more}` } }),
        );
    });
  });
}

test("an object that is neither number nor text, in the place of one, is read as nothing", () => {
  const odd = { toString: 1, valueOf: 1 };
  const event = { event: "delivered", carillon_attempt: ATTEMPT, timestamp: odd, sg_message_id: odd, reason: odd, type: odd };
  const json = { "content-type": JSON_TYPE };
  assert.deepEqual(readerOf("sendgrid").read(webhookOf("sendgrid", JSON.stringify([event]), json)), [
    { attemptId: ATTEMPT, provider: "sendgrid", kind: "delivered", at: NOW },
  ]);
  const events = JSON.stringify([{ event: "delivered", ts: odd, _id: odd, msg: { metadata: { carillon_attempt: ATTEMPT }, diag: odd } }]);
  const form = new URLSearchParams({ mandrill_events: events }).toString();
  assert.deepEqual(readerOf("mandrill").read(webhookOf("mandrill", form, {})), [
    { attemptId: ATTEMPT, provider: "mandrill", kind: "delivered", at: NOW },
  ]);
  const text = { msisdn: "447700900123", to: "447700900001", messageId: "0A00", type: "text", text: "STOP" };
  const parts = { concat: odd, "concat-total": odd, "concat-ref": odd, "concat-part": odd, "message-timestamp": odd };
  const vonage = (fields: object) => readerOf("vonage").texts?.read(webhookOf("vonage", JSON.stringify({ ...text, ...fields }), json));
  assert.deepEqual(vonage(parts), { id: "0A00", from: "+447700900123", to: ["447700900001"], text: "STOP" });
  assert.equal(vonage({ ...parts, concat: true }), "ignored");
});

/** The ways to take the same signed text apart into two or more fields, with `at` as marks between names and values. */
test("twilio: the signed text taken apart in another way is rejected, or says the same", () => {
  const { reader, key, webhook } = genuine.twilio!();
  const text = [...new URLSearchParams(webhook.body.toString())].flat().join("");
  let verified = 0;
  const property = fc.property(fc.uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { minLength: 1, maxLength: 15 }), (marks) => {
    const cuts = [0, ...marks.sort((a, b) => a - b), text.length];
    const parts = cuts.slice(1).map((end, i) => text.slice(cuts[i], end));
    const pairs = parts.flatMap((part, i) => (i % 2 === 0 ? [[part, parts[i + 1] ?? ""] as [string, string]] : []));
    const changed = { ...webhook, body: Buffer.from(new URLSearchParams(pairs).toString()) };
    if (!reader.verify(changed, key, SETTINGS)) return;
    verified += 1;
    const [receipt] = reader.read(changed) ?? [];
    if (receipt) assert.deepEqual(receipt, reader.read(webhook)?.[0]);
  });
  const all = [...new URLSearchParams(webhook.body.toString())].flat().map((part) => part.length);
  const own = all.slice(0, -1).map((_, i) => all.slice(0, i + 1).reduce((sum, length) => sum + length, 0));
  const without = own.map((_, i): [number[]] => [own.filter((_mark, n) => n !== i && n !== i + 1)]);
  fc.assert(property, { numRuns: 5_000, seed: 5, examples: [[own], ...without] });
  assert.ok(verified > 0, "the text as it was signed is among them");
});

test("twilio: a person's text taken apart in another way has the same sender, or is nobody's", () => {
  const reader = readerOf("twilio");
  const fields = { AccountSid: `AC${"0".repeat(32)}`, ApiVersion: "2010-04-01", FromCity: "ROME", MessageSid: `SM${"1".repeat(32)}` };
  const word = fc.constantFrom("STOP", "From", "From+19995550000", "+1", "To", "FromA", "FromCity", " ", "A", "\u00e9");
  let moved = 0;
  const property = fc.property(
    fc.array(word, { minLength: 1, maxLength: 6 }),
    fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    (message, chosen) => {
      const form: Record<string, string> = { ...fields, Body: message.join(""), From: "+14155550123", To: "+15005550006" };
      const names = Object.keys(form).sort();
      const text = names.map((name) => `${name}${form[name]}`).join("");
      const headers = { "x-twilio-signature": base64("sha1", `https://hooks.example.com/twilio${text}`), "content-type": FORM };
      // Wherever a name stands in the text, a field may begin; what is between is its value.
      const found = [...text.matchAll(/AccountSid|ApiVersion|Body|From(?:City|A)?|MessageSid|To/g)];
      const starts = found.filter(({ index }, i) => index === 0 || chosen[i % chosen.length]);
      const pairs = starts.map(({ 0: name, index }, i): [string, string] => [
        name,
        text.slice(index + name.length, starts[i + 1]?.index ?? text.length),
      ]);
      const changed = webhookOf("twilio", new URLSearchParams(pairs).toString(), headers);
      if (!reader.verify(changed, SECRET, SETTINGS)) return;
      if (pairs.length !== names.length || pairs.some(([name, value]) => form[name] !== value)) moved += 1;
      const read = reader.texts?.read(changed);
      if (typeof read === "object") assert.equal(read.from, "+14155550123", JSON.stringify(pairs));
    },
  );
  fc.assert(property, { numRuns: 3_000, seed: 5 });
  assert.ok(moved > 0, "some were taken apart in another way");
});

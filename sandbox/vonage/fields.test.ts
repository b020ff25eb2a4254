import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { basic, envOf, http1, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf, listOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

function send(body: string, type: string) {
  sandbox.ledger.clear();
  const authorization = basic(envOf(sandbox, "VONAGE_API_KEY"), envOf(sandbox, "VONAGE_API_SECRET_FILE"));
  return http1(sandbox, `${envOf(sandbox, "VONAGE_ORIGIN")}/sms/json`, { headers: { authorization, "content-type": type }, body });
}
const asJson = (params: unknown) => send(JSON.stringify(params), "application/json");
const TEXT = { to: "15551234567", from: "Carillon", text: "b" };
const BINARY = { to: "15551234567", from: "15557654321", type: "binary", body: "00ff", udh: "06050415811581" };

const GOOD: Record<string, unknown>[] = [
  TEXT,
  { ...TEXT, from: "447700900000", text: "x".repeat(3_200), type: "text" },
  { ...TEXT, text: "ж", type: "unicode", ttl: 20_000, "status-report-req": false, "message-class": 0 },
  { ...TEXT, ttl: "604800000", "status-report-req": "true", "message-class": "3", "client-ref": "r".repeat(100), "account-ref": "a" },
  { ...TEXT, "entity-id": "1101456324675322134", "content-id": "1107457532145798767", "trusted-recipient": true },
  { ...TEXT, callback: "https://hooks.example/vonage", "from-the-future": { is: "ignored" } },
  { ...BINARY, "protocol-id": 127 },
];

test("Vonage: messages with every documented parameter are accepted, and kept as they came", async () => {
  for (const params of GOOD) {
    const given = await asJson(params);
    assert.ok(
      listOf(fieldsOf(given.json).messages).every((message) => fieldsOf(message).status === "0"),
      given.text,
    );
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, params);
  }
  const form = { ...TEXT, ttl: "20000", "message-class": "1" };
  await send(new URLSearchParams(form).toString(), "application/x-www-form-urlencoded");
  assert.deepEqual([sandbox.ledger.entries()[0]?.payload, sandbox.ledger.entries()[0]?.accepted], [form, true]);
});

const BAD: [answer: string, params: unknown][] = [
  ["2 Missing from", { ...TEXT, from: "" }],
  ["2 Missing udh", { ...BINARY, udh: undefined }],
  ["3 to address is not numeric", { ...TEXT, to: "+15551234567" }],
  ["3 to address is not numeric", { ...TEXT, to: 15551234567 }],
  ["15 Invalid sender address", { ...TEXT, from: "TwelveLetter" }],
  ["12 Message too long", { ...TEXT, text: "x".repeat(3_201) }],
  ["3 Invalid value for param: type", { ...TEXT, type: "wappush" }],
  ["3 Invalid value for param: ttl", { ...TEXT, ttl: 604_800_001 }],
  ["3 Invalid value for param: ttl", { ...TEXT, ttl: "1h" }],
  ["3 Invalid value for param: message-class", { ...TEXT, "message-class": 4 }],
  ["3 Invalid value for param: status-report-req", { ...TEXT, "status-report-req": "yes" }],
  ["3 Invalid value for param: client-ref", { ...TEXT, "client-ref": "r".repeat(101) }],
  ["3 Invalid value for param: entity-id", { ...TEXT, "entity-id": 1101456324675322 }],
  ["3 Invalid value for param: content-id", { ...TEXT, "content-id": ["1"] }],
  ["3 Invalid value for param: body", { ...BINARY, body: "0g" }],
  ["23 Invalid callback URL", { ...TEXT, callback: `https://hooks.example/${"x".repeat(100)}` }],
];

test("Vonage: a parameter that breaks its rule is rejected with its status", async () => {
  for (const [answer, params] of BAD) {
    const message = fieldsOf(listOf(fieldsOf((await asJson(params)).json).messages)[0]);
    assert.equal(`${message.status} ${message["error-text"]}`, answer);
    assert.equal(sandbox.ledger.entries()[0]?.accepted, false);
  }
});

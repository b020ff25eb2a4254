import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ATTEMPT, basic, DELIVERY, envOf, http1, type RawAnswer, startTestSandbox } from "../test/support/raw-client.ts";
import { fieldsOf, listOf } from "./kit/read.ts";
import type { Sandbox } from "./main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

const twilioUrl = (rest = "Messages.json", sid = envOf(sandbox, "TWILIO_ACCOUNT_SID")) =>
  `${envOf(sandbox, "TWILIO_ORIGIN")}/2010-04-01/Accounts/${sid}/${rest}`;
const twilioAuth = () => basic(envOf(sandbox, "TWILIO_ACCOUNT_SID"), envOf(sandbox, "TWILIO_AUTH_TOKEN_FILE"));
function twilio(change: Record<string, string> = {}, url = twilioUrl(), authorization = twilioAuth()): Promise<RawAnswer> {
  const form = new URLSearchParams({
    To: "+15551234567",
    From: envOf(sandbox, "TWILIO_FROM"),
    Body: "hello",
    StatusCallback: `${envOf(sandbox, "TWILIO_STATUS_CALLBACK_URL")}?attempt=${encodeURIComponent(ATTEMPT)}`,
    ...change,
  });
  for (const [name, value] of [...form]) if (value === "") form.delete(name);
  return http1(sandbox, url, { headers: { authorization, "content-type": "application/x-www-form-urlencoded" }, body: form.toString() });
}
const twilioAnswer = ({ status, json }: RawAnswer) => `${status} ${fieldsOf(json).code ?? ""}`.trim();

test("Twilio: a message is answered 201 with its resource and is in the ledger", async () => {
  sandbox.ledger.clear();
  const given = await twilio({ Body: "x".repeat(161) });
  assert.equal(given.status, 201);
  const message = fieldsOf(given.json);
  assert.match(String(message.sid), /^SM[0-9a-f]{32}$/);
  assert.deepEqual([message.status, message.num_segments, message.to, message.error_code], ["queued", "2", "+15551234567", null]);
  const [entry] = sandbox.ledger.entries({ provider: "twilio" });
  assert.deepEqual([entry?.deliveryId, entry?.attemptId, entry?.recipient, entry?.accepted], [DELIVERY, ATTEMPT, "+15551234567", true]);
  assert.equal(fieldsOf(entry?.payload).Body, "x".repeat(161));
});

test("Twilio: account, form and number are rejected with the documented codes", async () => {
  assert.equal(twilioAnswer(await twilio({}, twilioUrl(), basic(envOf(sandbox, "TWILIO_ACCOUNT_SID"), "wrong"))), "401 20003");
  assert.equal(twilioAnswer(await twilio({}, twilioUrl("Messages.json", `AC${"0".repeat(32)}`))), "404 20404");
  const cases: [string, Record<string, string>][] = [
    ["400 21604", { To: "" }],
    ["400 21603", { From: "" }],
    ["400 21602", { Body: "" }],
    ["400 21617", { Body: "x".repeat(1_601) }],
    ["400 21609", { StatusCallback: "/relative" }],
    ["400 21624", { ValidityPeriod: "36001" }],
    ["400 21606", { From: "+15550000000" }],
    ["400 21211", { To: "12345" }],
    ["400 21211", { To: "+15005550001" }],
    ["400 21614", { To: "+15005550009" }],
    ["400 21610", { To: "+15005550004" }],
    ["429 20429", { To: "+15551230429" }],
  ];
  for (const [expected, change] of cases) assert.equal(twilioAnswer(await twilio(change)), expected);
});

test("Twilio: a message can be queried by sid and by number", async () => {
  const { sid } = fieldsOf((await twilio({ To: "+15557654321" })).json);
  const get = (rest: string) => http1(sandbox, twilioUrl(rest), { method: "GET", headers: { authorization: twilioAuth() } });
  assert.equal(fieldsOf((await get(`Messages/${sid}.json`)).json).sid, sid);
  assert.equal(twilioAnswer(await get(`Messages/SM${"0".repeat(32)}.json`)), "404 20404");
  const found = listOf(fieldsOf((await get("Messages.json?To=%2B15557654321&PageSize=10")).json).messages);
  assert.deepEqual(
    found.map((m) => fieldsOf(m).sid),
    [sid],
  );
});

const vonageBody = (change: Record<string, unknown> = {}) => ({
  to: "15551234567",
  from: "Carillon",
  text: "hello",
  "client-ref": ATTEMPT,
  ...change,
});
const vonageAuth = () => basic(envOf(sandbox, "VONAGE_API_KEY"), envOf(sandbox, "VONAGE_API_SECRET_FILE"));
const vonage = (change: Record<string, unknown> = {}, authorization = vonageAuth()) =>
  http1(sandbox, `${envOf(sandbox, "VONAGE_ORIGIN")}/sms/json`, {
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(vonageBody(change)),
  });
const vonageAnswer = ({ status, json }: RawAnswer) =>
  `${status} ${listOf(fieldsOf(json).messages)
    .map((m) => fieldsOf(m).status)
    .join(" ")}`;

test("Vonage: one element per segment, every value a string", async () => {
  sandbox.ledger.clear();
  const given = await vonage({ text: "ж".repeat(71), type: "unicode" });
  assert.equal(vonageAnswer(given), "200 0 0");
  assert.equal(fieldsOf(given.json)["message-count"], "2");
  for (const message of listOf(fieldsOf(given.json).messages)) {
    assert.equal(fieldsOf(message)["client-ref"], ATTEMPT);
    assert.ok(Object.values(fieldsOf(message)).every((value) => typeof value === "string"));
  }
  const [entry, ...others] = sandbox.ledger.entries({ provider: "vonage" });
  assert.deepEqual(others, [], "two segments are one acceptance");
  assert.deepEqual([entry?.deliveryId, entry?.recipient, entry?.accepted], [DELIVERY, "+15551234567", true]);
});

test("Vonage: a form with the credentials in the body is accepted, and the ledger does not hold them", async () => {
  sandbox.ledger.clear();
  const form = new URLSearchParams({
    ...(vonageBody() as Record<string, string>),
    api_key: envOf(sandbox, "VONAGE_API_KEY"),
    api_secret: envOf(sandbox, "VONAGE_API_SECRET_FILE"),
  });
  const given = await http1(sandbox, `${envOf(sandbox, "VONAGE_ORIGIN")}/sms/json`, {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  assert.equal(vonageAnswer(given), "200 0");
  assert.ok(!JSON.stringify(sandbox.ledger.entries()).includes(envOf(sandbox, "VONAGE_API_SECRET_FILE")));
});

test("Vonage: rejections are HTTP 200 with a status", async () => {
  assert.equal(vonageAnswer(await vonage({}, basic(envOf(sandbox, "VONAGE_API_KEY"), "wrong"))), "200 4");
  const cases: [string, Record<string, unknown>][] = [
    ["200 2", { to: undefined }],
    ["200 2", { text: "" }],
    ["200 3", { to: "+15551234567" }],
    ["200 3", { ttl: 1_000 }],
    ["200 12", { text: "x".repeat(3_201) }],
    ["200 23", { callback: "nowhere" }],
    ["200 7", { to: "15551230007" }],
    ["200 9", { to: "15551999009" }],
    ["200 1", { to: "15551999001" }],
    ["200 0", { to: "15551999001" }],
    ["200 0", { to: "15551230429" }],
  ];
  for (const [expected, change] of cases) assert.equal(vonageAnswer(await vonage(change)), expected);
});

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { ATTEMPT, basic, DELIVERY, envOf, http1, startTestSandbox } from "../test/support/raw-client.ts";
import { type Fields, fieldsOf, listOf } from "./kit/read.ts";
import type { Sandbox } from "./main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => sandbox.faults.clear());
after(() => sandbox[Symbol.asyncDispose]());

const get = (url: string, authorization: string) => http1(sandbox, url, { method: "GET", headers: { authorization } });
const post = (url: string, authorization: string, body: unknown) =>
  http1(sandbox, url, { headers: { authorization, "content-type": "application/json" }, body: JSON.stringify(body) });
const namesIn = (fields: unknown) => Object.keys(fieldsOf(fields)).sort();

const sendgridAuth = () => `Bearer ${envOf(sandbox, "SENDGRID_API_KEY_FILE")}`;
const sendMail = (attempt: string) =>
  post(`${envOf(sandbox, "SENDGRID_ORIGIN")}/v3/mail/send`, sendgridAuth(), {
    personalizations: [{ to: [{ email: "ada@example.com" }], custom_args: { carillon_delivery: DELIVERY, carillon_attempt: attempt } }],
    from: { email: envOf(sandbox, "EMAIL_FROM") },
    subject: "s",
    content: [{ type: "text/plain", value: "t" }],
  });
const activity = (query: string, authorization = sendgridAuth()) =>
  get(`${envOf(sandbox, "SENDGRID_ORIGIN")}/v3/messages?limit=10&query=${encodeURIComponent(query)}`, authorization);
const shown = ({ json }: { json: unknown }) => listOf(fieldsOf(json).messages).map(fieldsOf);

test("SendGrid: the activity feed finds mail by a custom argument, and returns its documented fields", async () => {
  const messageId = (await sendMail("a/1")).headers["x-message-id"];
  await sendMail("a/2");
  const messages = shown(await activity(`unique_args['carillon_attempt']="a/1"`));
  assert.equal(messages.length, 1);
  assert.deepEqual(namesIn(messages[0]), [
    "clicks_count",
    "from_email",
    "last_event_time",
    "msg_id",
    "opens_count",
    "status",
    "subject",
    "to_email",
  ]);
  assert.equal(String(messages[0]?.msg_id).split(".")[0], messageId);
  assert.equal(shown(await activity(`unique_args['carillon_attempt']="a/2" AND to_email="ada@example.com"`)).length, 1);
  assert.deepEqual(shown(await activity(`unique_args['carillon_attempt']="a/2" AND to_email="bob@example.com"`)), []);
  assert.equal((await activity("carillon_attempt is a/1")).status, 400);
  assert.equal((await activity(`to_email="ada@example.com"`, "Bearer SG.wrong")).status, 401);
});

const vonageAuth = () => basic(envOf(sandbox, "VONAGE_API_KEY"), envOf(sandbox, "VONAGE_API_SECRET_FILE"));
const sendText = (ref: string, text = "hello") =>
  post(`${envOf(sandbox, "VONAGE_ORIGIN")}/sms/json`, vonageAuth(), { to: "15551234567", from: "Carillon", text, "client-ref": ref });
const report = (change: Record<string, string> = {}, authorization = vonageAuth()) => {
  const query = new URLSearchParams({ account_id: envOf(sandbox, "VONAGE_API_KEY"), product: "SMS", direction: "outbound", ...change });
  return get(`${envOf(sandbox, "VONAGE_REPORTS_ORIGIN")}/v2/reports/records?${query}`, authorization);
};
const records = ({ json }: { json: unknown }): Fields[] => listOf(fieldsOf(json).records).map(fieldsOf);

test("Vonage: the report holds a record for each part, found by reference, number and time", async () => {
  await sendText("b/1", "x".repeat(200));
  await sendText("b/2");
  const answer = await report({ client_ref: "b/1" });
  assert.equal(fieldsOf(answer.json).request_status, "SUCCESS");
  assert.deepEqual(
    records(answer).map((r) => [r.client_ref, r.to, r.status]),
    [
      ["b/1", "15551234567", "delivered"],
      ["b/1", "15551234567", "delivered"],
    ],
  );
  assert.deepEqual(records(await report({ client_ref: "b/1", to: "15550000000" })), []);
  assert.deepEqual(records(await report({ client_ref: "b/1", date_end: "2020-01-01T00:00:00Z" })), []);
  for (const date_start of ["yesterday", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z"])
    assert.equal((await report({ date_start })).status, 422);
  assert.equal((await report({ product: "FAX" })).status, 422);
  assert.equal((await report({}, basic("nobody", "wrong"))).status, 401);
});

test("an accepted message is found whatever was answered, and later where the index is behind", async () => {
  sandbox.faults.order({ provider: "vonage", do: { kind: "answer", status: 500, body: "", accepted: true } });
  assert.equal((await sendText(ATTEMPT)).status, 500);
  sandbox.faults.order({ provider: "vonage-status-query", do: { kind: "lag", ms: 60_000 } });
  assert.deepEqual(records(await report({ client_ref: ATTEMPT })), []);
  assert.equal(records(await report({ client_ref: ATTEMPT })).length, 1);
  sandbox.faults.order({ provider: "vonage", do: { kind: "cut-before" } });
  await sendText("never/1").catch(() => undefined);
  assert.deepEqual(records(await report({ client_ref: "never/1" })), []);
});

test("Twilio: a list continues over several pages", async () => {
  const url = `${envOf(sandbox, "TWILIO_ORIGIN")}/2010-04-01/Accounts/${envOf(sandbox, "TWILIO_ACCOUNT_SID")}/Messages.json`;
  const authorization = basic(envOf(sandbox, "TWILIO_ACCOUNT_SID"), envOf(sandbox, "TWILIO_AUTH_TOKEN_FILE"));
  for (const Body of ["1", "2", "3"]) {
    const body = new URLSearchParams({ To: "+15557654321", From: envOf(sandbox, "TWILIO_FROM"), Body }).toString();
    await http1(sandbox, url, { headers: { authorization, "content-type": "application/x-www-form-urlencoded" }, body });
  }
  const first = fieldsOf((await get(`${url}?To=%2B15557654321&PageSize=2`, authorization)).json);
  const bodies = (page: Fields) => listOf(page.messages).map((m) => fieldsOf(m).body);
  assert.deepEqual(bodies(first), ["3", "2"]);
  const second = fieldsOf((await get(`${envOf(sandbox, "TWILIO_ORIGIN")}${first.next_page_uri}`, authorization)).json);
  assert.deepEqual([bodies(second), second.next_page_uri], [["1"], null]);
});

test("Mandrill: a search is limited to its days", async () => {
  const url = `${envOf(sandbox, "MANDRILL_ORIGIN")}/api/1.3/messages`;
  const key = envOf(sandbox, "MANDRILL_API_KEY_FILE");
  const message = { from_email: envOf(sandbox, "EMAIL_FROM"), to: [{ email: "days@example.com", type: "to" }], subject: "s", text: "t" };
  await post(`${url}/send`, "", { key, message });
  const day = new Date().toISOString().slice(0, 10);
  const found = async (change: object) =>
    listOf((await post(`${url}/search`, "", { key, query: 'full_email:"days@example.com"', ...change })).json).length;
  assert.equal(await found({ date_from: day, date_to: day }), 1);
  assert.equal(await found({ date_from: "2100-01-01" }), 0);
  assert.equal(await found({ date_to: "2020-01-01" }), 0);
});

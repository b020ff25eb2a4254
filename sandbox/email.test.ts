import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ATTEMPT, DELIVERY, envOf, http1, nowSeconds, type RawAnswer, startTestSandbox } from "../test/support/raw-client.ts";
import { fieldsOf, listOf } from "./kit/read.ts";
import type { Sandbox } from "./main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

const IDS = { carillon_delivery: DELIVERY, carillon_attempt: ATTEMPT };
const mail = (address: string, change: Record<string, unknown> = {}) => ({
  personalizations: [{ to: [{ email: address }], custom_args: IDS, headers: { "List-Unsubscribe": "<https://example.com/u>" } }],
  from: { email: envOf(sandbox, "EMAIL_FROM"), name: "Carillon" },
  subject: "s",
  content: [
    { type: "text/plain", value: "t" },
    { type: "text/html", value: "<p>t</p>" },
  ],
  ...change,
});
const sendgrid = (body: unknown, headers: Record<string, string> = {}) =>
  http1(sandbox, `${envOf(sandbox, "SENDGRID_ORIGIN")}/v3/mail/send`, {
    headers: { authorization: `Bearer ${envOf(sandbox, "SENDGRID_API_KEY_FILE")}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const faultFields = ({ status, json }: RawAnswer) =>
  `${status} ${listOf(fieldsOf(json).errors)
    .map((e) => fieldsOf(e).field ?? "-")
    .join(" ")}`;

test("SendGrid: a mail is answered 202 with an id and no body, and is in the ledger", async () => {
  sandbox.ledger.clear();
  const given = await sendgrid(mail("ada@example.com"));
  assert.equal(given.status, 202);
  assert.equal(given.text, "");
  assert.match(given.headers["x-message-id"] ?? "", /^[\w-]{22}$/);
  const [entry] = sandbox.ledger.entries({ provider: "sendgrid" });
  assert.deepEqual([entry?.deliveryId, entry?.attemptId, entry?.recipient, entry?.accepted], [DELIVERY, ATTEMPT, "ada@example.com", true]);
});

test("SendGrid: faults are reported by field", async () => {
  const text = { type: "text/plain", value: "t" };
  const cases: [string, Promise<RawAnswer>][] = [
    ["401 -", sendgrid(mail("a@example.com"), { authorization: "Bearer SG.wrong" })],
    ["415 -", sendgrid(mail("a@example.com"), { "content-type": "text/plain" })],
    ["413 -", sendgrid(mail("a@example.com", { subject: "x".repeat(30 * 1_048_576) }))],
    ["403 from", sendgrid(mail("a@example.com", { from: { email: "other@example.com" } }))],
    ["400 personalizations", sendgrid(mail("a@example.com", { personalizations: [] }))],
    ["400 personalizations.0.to", sendgrid(mail("a@example.com", { personalizations: [{}] }))],
    ["400 personalizations.0.to.0.email", sendgrid(mail("nobody"))],
    ["400 personalizations.0.to.0.email", sendgrid(mail("invalid@example.com"))],
    ["400 subject", sendgrid(mail("a@example.com", { subject: "" }))],
    ["400 content", sendgrid(mail("a@example.com", { content: [] }))],
    ["400 content.0.value", sendgrid(mail("a@example.com", { content: [{ type: "text/plain", value: "" }] }))],
    ["400 content", sendgrid(mail("a@example.com", { content: [{ type: "text/html", value: "h" }, text] }))],
    ["400 custom_args.n", sendgrid(mail("a@example.com", { custom_args: { n: 1 } }))],
    ["400 send_at", sendgrid(mail("a@example.com", { send_at: nowSeconds() + 300_000 }))],
  ];
  for (const [expected, given] of cases) assert.equal(faultFields(await given), expected);
});

test("SendGrid: the answer to a throttled address says when to retry", async () => {
  const given = await sendgrid(mail("throttled-7@example.com"));
  assert.equal(given.status, 429);
  assert.equal(given.headers["x-ratelimit-remaining"], "0");
  const inSeconds = Number(given.headers["x-ratelimit-reset"]) - nowSeconds();
  assert.ok(inSeconds >= 0 && inSeconds <= 4, "seconds since the epoch, soon");
});

const letter = (addresses: string[], change: Record<string, unknown> = {}) => ({
  key: envOf(sandbox, "MANDRILL_API_KEY_FILE"),
  message: {
    from_email: envOf(sandbox, "EMAIL_FROM"),
    to: addresses.map((email) => ({ email, type: "to" })),
    subject: "s",
    text: "t",
    metadata: IDS,
    ...change,
  },
});
const mandrill = (body: unknown, path = "messages/send") =>
  http1(sandbox, `${envOf(sandbox, "MANDRILL_ORIGIN")}/api/1.3/${path}`, {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const results = ({ json }: RawAnswer) => listOf(json).map((r) => `${fieldsOf(r).status} ${fieldsOf(r).reject_reason}`);

test("Mandrill: the answer has an element per recipient, with and without .json", async () => {
  sandbox.ledger.clear();
  const given = await mandrill(letter(["ada@example.com", "reject-1@example.com"]));
  assert.equal(given.status, 200);
  assert.deepEqual(results(given), ["sent null", "rejected hard-bounce"]);
  assert.match(String(fieldsOf(listOf(given.json)[0])._id), /^[0-9a-f]{32}$/);
  assert.deepEqual(results(await mandrill({ ...letter(["ada@example.com"]), async: true }, "messages/send.json")), ["queued null"]);
  const entries = sandbox.ledger.entries({ provider: "mandrill" });
  assert.deepEqual(
    entries.map((e) => [e.deliveryId, e.attemptId, e.recipient, e.accepted]),
    [
      [DELIVERY, ATTEMPT, "ada@example.com", true],
      [DELIVERY, ATTEMPT, "ada@example.com", true],
    ],
  );
  assert.ok(!JSON.stringify(entries).includes(envOf(sandbox, "MANDRILL_API_KEY_FILE")));
});

test("Mandrill: rejected and invalid recipients are not accepted", async () => {
  sandbox.ledger.clear();
  assert.deepEqual(results(await mandrill(letter(["reject@example.com"]))), ["rejected hard-bounce"]);
  assert.deepEqual(results(await mandrill(letter(["invalid@example.com"]))), ["invalid null"]);
  assert.deepEqual(results(await mandrill(letter(["a@example.com"], { from_email: "other@example.com" }))), ["rejected unsigned"]);
  assert.deepEqual(sandbox.ledger.summary().providers.mandrill, { accepted: 0, rejected: 3 });
});

test("Mandrill: errors carry a name", async () => {
  const named = ({ status, json }: RawAnswer) => `${status} ${fieldsOf(json).name} ${fieldsOf(json).status}`;
  assert.equal(named(await mandrill({ ...letter(["a@example.com"]), key: "wrong" })), "401 Invalid_Key error");
  assert.equal(named(await mandrill(letter([]))), "400 ValidationError error");
  assert.equal(named(await mandrill(letter(["a@example.com"], { subject: "x".repeat(999) }))), "400 ValidationError error");
  assert.equal(named(await mandrill({ key: letter([]).key, id: "0" }, "messages/info")), "404 Unknown_Message error");
});

test("Mandrill: what was sent is found by id and by metadata", async () => {
  const { key } = letter([]);
  const { _id } = fieldsOf(listOf((await mandrill(letter(["find@example.com"], { metadata: { carillon_attempt: "look/1" } }))).json)[0]);
  assert.equal(fieldsOf((await mandrill({ key, id: _id }, "messages/info.json")).json).state, "sent");
  const found = listOf((await mandrill({ key, query: "u_carillon_attempt:look/1" }, "messages/search")).json);
  assert.deepEqual(
    found.map((m) => fieldsOf(m)._id),
    [_id],
  );
  assert.equal((await mandrill({ key }, "users/ping")).json, "PONG!");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../core/delivery/outcome.ts";
import { sampleEmail } from "../test/support/delivery-samples.ts";
import { emailSenderVariables, FROM_NOT_ALLOWED, senderOf } from "./email-config.ts";
import { type Mail, mailboxText, mailOf } from "./email-mail.ts";
import { blameContent } from "./email-outcome.ts";

const senders = {
  EMAIL_FROM: "bells@carillon.dev",
  EMAIL_FROM_NAME: "Carillon",
  EMAIL_FROM_ALLOWED: ["@shop.example", "Boss@bücher.example"],
};

test("a mail is from the account's sender unless it names one that is allowed", () => {
  assert.deepEqual(senderOf(senders, undefined), { address: "bells@carillon.dev", name: "Carillon" });
  assert.deepEqual(senderOf(senders, { address: "bells@Carillon.dev" }), { address: "bells@carillon.dev" });
  assert.deepEqual(senderOf(senders, { address: "orders@SHOP.example", name: "Shop" }), { address: "orders@shop.example", name: "Shop" });
  assert.deepEqual(senderOf(senders, { address: "boss@bücher.example" }), { address: "boss@xn--bcher-kva.example" });
});

test("another sender is rejected, also one whose domain only ends like an allowed one", () => {
  for (const address of ["a@other.example", "a@evilshop.example", "a@mail.shop.example", "other@bücher.example", "a@carillon.dev"])
    assert.equal(mailOf(sampleEmail({ content: { from: { address } } }), senders), FROM_NOT_ALLOWED, address);
});

test("allowed senders are addresses or domains", () => {
  const { parse } = emailSenderVariables.EMAIL_FROM_ALLOWED;
  assert.deepEqual(parse("@shop.example, boss@shop.example"), ["@shop.example", "boss@shop.example"]);
  for (const wrong of ["shop.example", "@", "@shop..example", "Shop <a@shop.example>"]) assert.throws(() => parse(wrong), wrong);
});

test("a mailbox in a header keeps its name", () => {
  assert.equal(mailboxText({ address: "a@b.example" }), "a@b.example");
  assert.equal(mailboxText({ address: "a@b.example", name: 'O"Neil, \\ Ann' }), '"O\\"Neil, \\\\ Ann" <a@b.example>');
  const name = "Jürgen Müller 🔔 ".repeat(8).trim();
  const text = mailboxText({ address: "a@b.example", name });
  assert.match(text, /^[ -~]*$/);
  const words = text.split(" ").slice(0, -1);
  assert.ok(words.every((word) => word.length <= 75));
  assert.equal(words.map((word) => Buffer.from(word.slice(10, -2), "base64").toString()).join(""), name);
});

test("text is made of html where there is none, without its preheader; the same for every delivery of a content", () => {
  const first = sampleEmail({ content: { html: "<p>Hello <b>Ann</b></p>", text: "", preheader: "psst" } });
  const mail = mailOf(first, senders) as Mail;
  assert.equal(mail.text, "Hello Ann");
  assert.match(mail.html, /^<div style="display:none[^>]*>psst/);
  const second = mailOf({ ...sampleEmail(), content: first.content }, senders) as Mail;
  assert.deepEqual([second.text, second.html], [mail.text, mail.html]);
});

test("all copies and attempts of a notification have one Message-ID, of the sender's domain", () => {
  const id = "0123456789abcdef".repeat(2);
  const idOf = (index: number, attempt: number, from?: string) => {
    const deliveryId = `${id}-${index}`;
    const delivery = sampleEmail({ content: from === undefined ? {} : { from: { address: from } } });
    return (mailOf({ ...delivery, deliveryId, attemptId: `${deliveryId}/${attempt}` }, senders) as Mail).messageId;
  };
  assert.deepEqual([idOf(0, 1), idOf(0, 2), idOf(12, 1)], Array(3).fill(`<${id}@carillon.dev>`));
  assert.equal(idOf(0, 1, "boss@bücher.example"), `<${id}@xn--bcher-kva.example>`);
});

const unverified: Outcome = { kind: "misconfigured", reason: "sender-unverified", scope: "sender" };
const blamed = (outcome: Outcome, content: Parameters<typeof sampleEmail>[0]) =>
  blameContent(outcome, sampleEmail(content), { senders, provider: "sendgrid", ofAccount: new Set(["http-401"]) });

test("a sender that the caller chose and the provider does not accept rejects this mail alone", () => {
  const from = { address: "orders@shop.example" };
  assert.deepEqual(blamed(unverified, { content: { from } }), { kind: "rejected", reason: "sender-unverified: content.email.from" });
  assert.equal(blamed(unverified, {}), unverified);
  assert.equal(blamed(unverified, { content: { from: { address: senders.EMAIL_FROM } } }), unverified);
});

test("an override never opens a circuit, and hides no wrong key", () => {
  const content = { overrides: { sendgrid: { ip_pool_name: "none" } } };
  const forbidden: Outcome = { kind: "misconfigured", reason: "http-403" };
  const wrongKey: Outcome = { kind: "misconfigured", reason: "http-401" };
  assert.deepEqual(blamed(forbidden, { content }), { kind: "rejected", reason: "http-403: perhaps content.email.overrides" });
  assert.equal(blamed(wrongKey, { content }), wrongKey);
  assert.equal(blamed(forbidden, { content: { overrides: { mandrill: {} } } }), forbidden);
});

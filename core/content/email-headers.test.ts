import assert from "node:assert/strict";
import { test } from "node:test";
import { headerFaults, isMarkedHigh, withPriority } from "./email-headers.ts";

const rulesOf = (headers: Record<string, string>) => headerFaults(headers).map(({ rule }) => rule);
const messageOf = (name: string) => headerFaults({ [name]: "x" }).map(({ message }) => message);

test("allowed headers in any case, and X- headers", () => {
  for (const name of ["References", "in-reply-to", "LIST-ID", "Feedback-ID", "Precedence", "Auto-Submitted", "X-Order"])
    assert.deepEqual(rulesOf({ [name]: "<1@a.example>" }), [], name);
});

test("a thread is named by Message-IDs", () => {
  for (const name of ["References", "In-Reply-To"]) {
    assert.deepEqual(rulesOf({ [name]: "<1@a.example> <2@b.example>" }), []);
    for (const value of ["1@a.example", "<1@a.example>,<2@b.example>", "<1@a.example>  <2@b.example>", "<1>", "order 17"])
      assert.deepEqual(rulesOf({ [name]: value }), ["header.ids"], value);
  }
});

test("a list is named by https and mailto URIs in angle brackets", () => {
  for (const name of ["List-Unsubscribe", "List-Help", "List-Subscribe", "List-Post", "List-Owner", "list-archive"]) {
    const both = "<https://shop.example/u?t=a,b&x=1>, <mailto:leave@shop.example?subject=leave>";
    for (const value of [both, "<mailto:leave@shop.example>", "<https://shop.example/u>,<https://b.example/>"])
      assert.deepEqual(rulesOf({ [name]: value }), [], `${name} ${value}`);
    for (const value of [
      "https://shop.example/u",
      "<http://shop.example/u>",
      "<mailto:>",
      "<https://>",
      "<tel:1>",
      "<https://a.example/> x",
      "<>",
    ])
      assert.deepEqual(rulesOf({ [name]: value }), ["header.uris"], `${name} ${value}`);
  }
  assert.deepEqual(rulesOf({ "List-Post": "NO" }), []);
  assert.deepEqual(rulesOf({ "List-Help": "NO" }), ["header.uris"]);
});

test("one click needs an https URI to post to", () => {
  const post = { "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
  assert.deepEqual(rulesOf({ "list-unsubscribe": "<https://shop.example/u/1>", ...post }), []);
  assert.deepEqual(rulesOf(post), ["header.one-click"]);
  assert.deepEqual(rulesOf({ "List-Unsubscribe": "<mailto:leave@shop.example>", ...post }), ["header.one-click"]);
  const other = { "List-Unsubscribe": "<https://shop.example/u/1>", "List-Unsubscribe-Post": "One-Click" };
  assert.deepEqual(rulesOf(other), ["header.one-click"]);
});

test("importance and priority have their words", () => {
  for (const value of ["low", "normal", "High"]) assert.deepEqual(rulesOf({ Importance: value }), []);
  for (const value of ["non-urgent", "normal", "Urgent"]) assert.deepEqual(rulesOf({ Priority: value }), []);
  assert.deepEqual(rulesOf({ Importance: "urgent" }), ["header.word"]);
  assert.equal(headerFaults({ Priority: "high" })[0]?.message, "Priority must be non-urgent, normal or urgent");
});

test("a priority is marked unless the headers speak of one", () => {
  assert.deepEqual(withPriority(undefined, "high"), { Importance: "high", "X-Priority": "1" });
  assert.deepEqual(withPriority({ "X-A": "1" }, "low"), { "X-A": "1", Importance: "low", "X-Priority": "5" });
  assert.equal(withPriority(undefined, "normal"), undefined);
  const own: Record<string, string>[] = [{ importance: "normal" }, { "x-priority": "3" }, { PRIORITY: "urgent" }];
  for (const headers of own) assert.equal(withPriority(headers, "high"), headers);
  const marks: Record<string, string>[] = [{ importance: "HIGH" }, { "X-Priority": "1 (Highest)" }, { Importance: "low" }, {}];
  assert.deepEqual(marks.map(isMarkedHigh), [true, true, false, false]);
});

test("another header is refused with what to use instead", () => {
  assert.deepEqual(messageOf("From"), ["From is refused: use content.email.from"]);
  assert.deepEqual(messageOf("BCC"), ["BCC is refused: use content.email.bcc"]);
  assert.deepEqual(messageOf("Reply-To"), ["Reply-To is refused: use content.email.reply_to"]);
  assert.deepEqual(messageOf("To"), ["To is refused: use recipient"]);
  assert.deepEqual(messageOf("Subject"), ["Subject is refused: use content.email.subject"]);
  assert.match(messageOf("Message-ID")[0]!, /use References and In-Reply-To/);
  assert.match(messageOf("Content-Type")[0]!, /use content\.email\.attachments/);
  assert.match(messageOf("X-SMTPAPI")[0]!, /use content\.email\.overrides/);
  assert.match(messageOf("X-MC-Tags")[0]!, /use content\.email\.overrides/);
  // To a relay of SparkPost it may name further recipients.
  for (const name of ["X-MSYS-API", "x-ses-configuration-set", "X-Mailgun-Variables", "X-PM-Tag", "X-Mailin-custom", "X-Carillon-Attempt"])
    assert.equal(messageOf(name).length, 1, name);
  assert.match(messageOf("constructor")[0]!, /allowed are references, .* and x-\*/);
  for (const name of ["Date", "MIME-Version", "DKIM-Signature", "List-Unsubscribed", "Return-Path", "X-Carillon-Id"])
    assert.deepEqual(rulesOf({ [name]: "x" }), ["header.protected"], name);
});

test("a value is one line of printable ASCII; what it holds is in no error", () => {
  for (const value of ["", " ", "a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\0b", "é", " a", "a ", "x".repeat(999)])
    assert.deepEqual(rulesOf({ "X-A": value }), ["header.value"], JSON.stringify(value));
  assert.deepEqual(rulesOf({ "X-A": "x".repeat(998) }), []);
  assert.doesNotMatch(JSON.stringify(headerFaults({ "X-A": "secret\n" })), /secret/);
});

test("no name twice, and at most 8 KiB", () => {
  assert.deepEqual(rulesOf({ "X-A": "1", "x-a": "2" }), ["header.twice"]);
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`X-${i}`, "x".repeat(998)]));
  assert.deepEqual(rulesOf(many), ["headers.bytes"]);
});

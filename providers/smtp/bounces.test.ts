import assert from "node:assert/strict";
import { test } from "node:test";
import { OTHER_MAILS, REPORTS } from "../../test/support/bounce-mails.ts";
import { readBounceMail } from "./bounce-mail.ts";
import { smtpBounces } from "./bounces.ts";
import { parseDeliveryStatus } from "./delivery-status.ts";

const attemptId = `${"0a".repeat(16)}-0/1`;
const read = (message: Buffer, sender = "") => smtpBounces.read({ attemptId, sender, message, receivedAt: 17 });

for (const [what, { message, becomes }] of Object.entries(REPORTS))
  test(`becomes a receipt: ${what}`, async () => {
    const [kind, reason] = becomes;
    const learned = reason === "5.1.1" || reason === "5.1.10" ? { learned: { kind: "bounce", reason } } : {};
    const receipt = { attemptId, provider: "smtp", kind, ...(reason === undefined ? {} : { reason }), ...learned, at: 17 };
    assert.deepEqual(await read(message), receipt);
  });

for (const [what, message] of Object.entries(OTHER_MAILS))
  test(`says nothing: ${what}`, async () => {
    assert.equal(await read(message), undefined);
  });

test("prose is a bounce only where the null sender or a mail system wrote it", async () => {
  const answer = Buffer.from("From: Ada <ada@example.com>\r\nSubject: Re: Dinner\r\n\r\nThank you!\r\n");
  assert.equal(await read(answer, "ada@example.com"), undefined);
  assert.equal((await read(Buffer.from("From: postmaster@example.com\r\n\r\nno\r\n"), "postmaster@example.com"))?.kind, "undelivered");
});

test("an answering machine of a mail system has a return path, and a bounce none; quoted words announce no delay", async () => {
  const prose = (headers: string) => Buffer.from(`From: postmaster@example.com\r\n${headers}\r\n\r\nno\r\n`);
  const ticket = prose("Auto-Submitted: auto-replied\r\nSubject: Ticket received");
  assert.equal(await read(ticket, "postmaster@example.com"), undefined);
  assert.equal((await read(ticket))?.kind, "undelivered");
  assert.equal((await read(prose("Subject: Undelivered: Security warning for your account")))?.kind, "undelivered");
  assert.equal((await read(prose("Subject: Warning: could not send message for past 4 hours")))?.kind, "accepted");
});

test("a mail that is no mail says nothing, however deep it is nested, however many headers, lines or parts it has", async () => {
  const deep = Array.from({ length: 200 }, (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}\r\n`).join("");
  assert.deepEqual(await readBounceMail(Buffer.from(deep), ""), { kind: "other", why: "unknown" });
  const large = [
    "X-A: b\r\n".repeat(12_000),
    "\r\na".repeat(20_000),
    `Content-Type: multipart/mixed; boundary=b\r\n${"\r\n--b".repeat(300)}`,
  ];
  const read = (more: string) => readBounceMail(Buffer.from(`From: mailer-daemon@example.org\r\n${more}\r\n\r\nno\r\n`), "");
  assert.deepEqual(await read("X-A: b"), { kind: "text" });
  for (const long of large) assert.deepEqual(await read(long), { kind: "other", why: "unknown" });
});

test("a report names a hundred recipients at most, with folded fields in any case and lines of any end", () => {
  const group = "\n\naction: Failed\nSTATUS:\n 5.7.1\ndiagnostic-code: smtp; 550";
  const parsed = parseDeliveryStatus(`Reporting-MTA: dns; a${group.repeat(300)}`);
  assert.equal(parsed.length, 100);
  assert.deepEqual(parsed[0], { action: "failed", status: "5.7.1" });
  assert.deepEqual(parseDeliveryStatus("Action: lost\r\n\r\nAction: delayed\r\nStatus: 4.7.0"), [{ action: "delayed", status: "4.7.0" }]);
  assert.deepEqual(parseDeliveryStatus(""), []);
});

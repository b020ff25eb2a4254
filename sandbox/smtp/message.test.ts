import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransport } from "nodemailer";
import MailComposer from "nodemailer/lib/mail-composer";
import { envOf, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf, textOf } from "../kit/read.ts";
import { type ParsedMail, readMail } from "./message.ts";

const compose = (options: ConstructorParameters<typeof MailComposer>[0]) =>
  new MailComposer({
    ...{ from: { name: "Glöckner", address: "bells@carillon.dev" }, to: "ada@example.com", subject: "s", text: "t" },
    ...{ date: new Date("2026-05-05T10:00:00Z"), messageId: "<1@carillon.dev>", newline: "windows", ...options },
  })
    .compile()
    .build();

const NOTHING = { utf8: false, eightBit: false };

async function read(message: Buffer | string, allowed = NOTHING): Promise<ParsedMail> {
  const mail = await readMail(Buffer.from(message), allowed);
  assert.ok(!("mistake" in mail), JSON.stringify(mail));
  return mail;
}

test("a mail is read as a mail program reads it: addresses, bodies, attachments, inline images, a calendar, threads", async () => {
  const mail = await read(
    await compose({
      ...{ to: [{ name: "Ada, L.", address: "ada@example.com" }, "b@example.com"], cc: "c@example.com", replyTo: "help@example.com" },
      ...{ subject: "Grüße zum Glockenspiel ".repeat(6).trim(), text: "Zażółć\n.punkt\n", html: '<p>ž <img src="cid:logo"></p>' },
      ...{ inReplyTo: "<0@carillon.dev>", references: ["<a@b>", "<0@carillon.dev>"], headers: { "X-A": ["1", "2"], "Feedback-ID": "a:b" } },
      icalEvent: { method: "REQUEST", content: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" },
      attachments: [
        { filename: "Übersicht 2026.pdf", content: Buffer.from("%PDF-"), contentType: "application/pdf" },
        { filename: "logo.png", content: Buffer.from([1, 2, 3]), cid: "logo", contentType: "image/png", contentDisposition: "inline" },
      ],
    }),
  );
  assert.deepEqual(mail.from, ["Glöckner <bells@carillon.dev>"]);
  assert.deepEqual(mail.to, ["Ada, L. <ada@example.com>", "b@example.com"]);
  assert.deepEqual([mail.cc, mail.replyTo, mail.bcc], [["c@example.com"], ["help@example.com"], []]);
  assert.equal(mail.subject, "Grüße zum Glockenspiel ".repeat(6).trim());
  assert.deepEqual([mail.date, mail.messageId], ["2026-05-05T10:00:00.000Z", "<1@carillon.dev>"]);
  assert.deepEqual([mail.inReplyTo, mail.references], ["<0@carillon.dev>", "<a@b> <0@carillon.dev>"]);
  assert.match(mail.text, /^Zażółć\n\.punkt/);
  assert.match(mail.html, /ž <img src="cid:logo">/);
  assert.deepEqual(
    mail.headers.filter(({ name }) => name === "X-A" || name === "Feedback-ID"),
    [
      { name: "X-A", value: "1" },
      { name: "X-A", value: "2" },
      { name: "Feedback-ID", value: "a:b" },
    ],
  );
  const file = (type: string) => mail.attachments.find((one) => one.type === type);
  const pdf = { filename: "Übersicht 2026.pdf", disposition: "attachment", content: "JVBERi0=", contentId: "" };
  assert.partialDeepStrictEqual(file("application/pdf"), pdf);
  assert.partialDeepStrictEqual(file("image/png"), { filename: "logo.png", disposition: "inline", contentId: "logo", content: "AQID" });
  assert.equal(file("text/calendar")?.method, "REQUEST");
});

const HEAD = {
  Date: "Tue, 05 May 2026 10:00:00 +0000",
  From: "bells@carillon.dev",
  To: "ada@example.com",
  "Message-ID": "<1@carillon.dev>",
};
const plain = (change: Record<string, string | undefined>, body = "t\r\n", more = "") =>
  `${Object.entries({ ...HEAD, ...change })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]))
    .join("")}${more}\r\n${body}`;

test("a message that breaks RFC 5322 or MIME is none, and the mistake says which rule", async () => {
  const cases: [mistake: string, message: string][] = [
    ["header date is missing", plain({ Date: undefined })],
    ["header date is no date", plain({ Date: "yesterday" })],
    ["header from is missing", plain({ From: undefined })],
    ["header from has no address", plain({ From: "" })],
    ["header sender is missing", plain({ From: "a@example.com, b@example.com" })],
    ["header to occurs 2 times", plain({}, "t\r\n", "TO: b@example.com\r\n")],
    ["header subject occurs 2 times", plain({ Subject: "a" }, "t\r\n", "Subject: b\r\n")],
    ["header message-id is not <left@right>", plain({ "Message-ID": "1" })],
    ["header references has other words than ids", plain({ References: "<a@b> c" })],
    ["header mime-version is missing", plain({ "Content-Type": "text/html" })],
    ["a header is not ASCII", plain({ Subject: "Grüße" })],
    ["a header line has no name", plain({}, "t\r\n", "no name here\r\n")],
    ["the body has 8-bit bytes without BODY=8BITMIME", plain({}, "Grüße\r\n")],
    ["a line does not end with CRLF", plain({}, "one\ntwo\r\n")],
    ["a line is longer than 998 bytes", plain({}, `${"x".repeat(999)}\r\n`)],
  ];
  for (const [mistake, message] of cases) assert.deepEqual(await readMail(Buffer.from(message), NOTHING), { mistake });
  assert.equal((await read(plain({ Subject: "Grüße" }), { utf8: true, eightBit: false })).subject, "Grüße", "with SMTPUTF8");
  assert.equal((await read(plain({}, `${"x".repeat(998)}\r\n`))).text.length, 999);
});

test("the relay keeps what it read beside what came, and refuses what is no message", async () => {
  await using sandbox = await startTestSandbox();
  const transport = createTransport({
    ...{ host: envOf(sandbox, "SMTP_HOST"), port: Number(envOf(sandbox, "SMTP_PORT")), requireTLS: true },
    auth: { user: envOf(sandbox, "SMTP_USER"), pass: envOf(sandbox, "SMTP_PASSWORD_FILE") },
    tls: { ca: envOf(sandbox, "PROVIDER_CA_FILE") },
  });
  const envelope = { from: envOf(sandbox, "EMAIL_FROM"), to: "ada@example.com" };
  await transport.sendMail({ envelope, raw: plain({ Subject: "kept" }) });
  const kept = fieldsOf(sandbox.ledger.entries()[0]?.payload);
  assert.equal(fieldsOf(kept.mail).subject, "kept");
  assert.match(textOf(kept.raw), /^Date: Tue/);
  await assert.rejects(transport.sendMail({ envelope, raw: plain({ Date: undefined }) }), { responseCode: 554 });
  const refused = sandbox.ledger.entries()[1];
  assert.deepEqual([refused?.accepted, refused?.answer], [false, "554 header date is missing"]);
});

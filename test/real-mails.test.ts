import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { AppRecord } from "../core/apps/app.ts";
import { contentToProto } from "../core/content/content.ts";
import type { EmailContent } from "../core/content/email-content.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { OutboundDelivery, Provider } from "../core/ports/provider.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import { mandrillVariables } from "../providers/mandrill/config.ts";
import { createMandrillProvider } from "../providers/mandrill/provider.ts";
import { sendgridVariables } from "../providers/sendgrid/config.ts";
import { createSendgridProvider } from "../providers/sendgrid/provider.ts";
import { smtpVariables } from "../providers/smtp/config.ts";
import { createSmtpProvider } from "../providers/smtp/provider.ts";
import { readConfig } from "../runtime/config.ts";
import type { Sandbox } from "../sandbox/main.ts";
import { CALLING_APP, createAcceptWorld, smsMessage } from "./support/accept-world.ts";
import { type ArrivedMail, fromMandrill, fromSendgrid, fromSmtp } from "./support/arrived-mail.ts";
import { PNG, SAMPLE_ICS } from "./support/content-samples.ts";
import { createFakeClock } from "./support/fake-clock.ts";
import { withSandbox } from "./support/with-sandbox.ts";

const png = PNG.toString("base64");
const pdf = Buffer.from("%PDF-1.7\n").toString("base64");
const csv = Buffer.from("a;b\r\n1;2\r\n").toString("base64");

interface Case {
  /** Whose documentation has a mail of this form. */
  like: string;
  content: EmailContent;
  /** What is expected at the recipient's address. */
  arrives: Partial<ArrivedMail>;
}

const CASES: readonly Case[] = [
  {
    like: "SendGrid, Mail Send: a confirmation with two reply addresses, categories, an attachment and custom headers",
    content: {
      subject: "Your example order confirmation",
      html: "<p>Hello from the shop!</p><p>Order <b>17</b> is on its way.</p>",
      text: "",
      from: { address: "orders@carillon.dev", name: "Example Order Confirmation" },
      replyTo: [{ address: "service@carillon.dev", name: "Customer Service" }, { address: "orders@carillon.dev" }],
      attachments: [{ filename: "index.html", contentType: "text/html", base64: Buffer.from("<p>x</p>").toString("base64") }],
      tags: ["cake", "pie", "baking"],
      headers: { "X-Order": "17", Importance: "high" },
    },
    arrives: {
      from: "Example Order Confirmation <orders@carillon.dev>",
      replyTo: ["Customer Service <service@carillon.dev>", "orders@carillon.dev"],
      text: "Hello from the shop!\n\nOrder 17 is on its way.",
      files: [["index.html", "text/html", Buffer.from("<p>x</p>").toString("base64")]],
      tags: ["cake", "pie", "baking"],
      headers: { "x-order": "17", importance: "high" },
    },
  },
  {
    like: "Mandrill, messages/send: html with a picture of its own, a file, a tag, a reply address",
    content: {
      subject: "example subject",
      html: '<p>Example HTML content <img src="cid:IMAGECID"></p>',
      text: "Example text content",
      replyTo: [{ address: "message.reply@example.com" }],
      attachments: [
        { filename: "Müllers Liste.csv", contentType: "text/csv", base64: csv },
        { filename: "logo.png", contentType: "image/png", base64: png, contentId: "IMAGECID" },
      ],
      tags: ["password-resets"],
      overrides: { mandrill: { message: { important: true, track_opens: true } }, sendgrid: { ip_pool_name: "main" } },
    },
    arrives: {
      replyTo: ["message.reply@example.com"],
      files: [["Müllers Liste.csv", "text/csv", csv]],
      inline: [["IMAGECID", "image/png", png]],
      tags: ["password-resets"],
    },
  },
  {
    like: "listmonk, a transactional message: html alone from a sender of its own, with headers",
    content: {
      subject: "Welcome, Jürgen 🎉",
      html: '<!doctype html><html><head><title>x</title></head><body style="margin:0"><h1>Welcome</h1><p>Your link: <a href="https://shop.example/i?a=1&amp;b=2">confirm</a></p></body></html>',
      text: "",
      from: { address: "no-reply@carillon.dev", name: "Größenwahn, AG" },
      headers: { "X-Custom-Header": "Value" },
    },
    arrives: {
      from: "Größenwahn, AG <no-reply@carillon.dev>",
      text: "Welcome\n\nYour link: confirm [https://shop.example/i?a=1&b=2]",
      headers: { "x-custom-header": "Value" },
    },
  },
  {
    like: "listmonk, a campaign: html, a text of its own, headers of a list",
    content: {
      subject: "News of November",
      html: "<table><tr><td>Sum</td><td>12 €</td></tr></table>",
      text: "Sum: 12 €",
      headers: {
        "List-Id": "<news.shop.example>",
        Precedence: "bulk",
        "List-Help": "<https://shop.example/help>",
        "Feedback-ID": "7:news:shop",
      },
      tags: ["news"],
    },
    arrives: {
      headers: {
        "list-id": "<news.shop.example>",
        precedence: "bulk",
        "list-help": "<https://shop.example/help>",
        "feedback-id": "7:news:shop",
      },
      tags: ["news"],
    },
  },
  {
    like: "nodemailer, an invitation beside text and html",
    content: {
      subject: "Appointment",
      html: "<p>Please see the invitation</p>",
      text: "Please see the invitation",
      calendar: { method: "REQUEST", ics: SAMPLE_ICS },
    },
    arrives: { calendar: ["REQUEST", SAMPLE_ICS] },
  },
  {
    like: "nodemailer, common fields: copies, an answer in a thread, files",
    content: {
      subject: "Re: Nodemailer is unicode friendly ✔",
      html: "",
      text: "Hello world?\n.\n..and dots",
      cc: [{ address: "carol@example.com", name: "Carol" }],
      bcc: [{ address: "audit@example.com" }],
      headers: { References: "<1@shop.example> <2@shop.example>", "In-Reply-To": "<2@shop.example>", "Auto-Submitted": "auto-replied" },
      attachments: [{ filename: "report.pdf", contentType: "application/pdf", base64: pdf }],
    },
    arrives: {
      cc: ["Carol <carol@example.com>"],
      headers: { references: "<1@shop.example> <2@shop.example>", "in-reply-to": "<2@shop.example>", "auto-submitted": "auto-replied" },
      files: [["report.pdf", "application/pdf", pdf]],
    },
  },
];

const PROVIDERS: readonly {
  name: string;
  create(env: Record<string, string>): Provider;
  read(payload: unknown): ArrivedMail | Promise<ArrivedMail>;
  /** Whether it shows addresses that it does not send to. */
  showsOthers: boolean;
}[] = [
  {
    ...{ name: "sendgrid", read: fromSendgrid, showsOthers: false },
    create: (env) => createSendgridProvider(readConfig(sendgridVariables, env), { clock: createFakeClock() }),
  },
  {
    ...{ name: "mandrill", read: fromMandrill, showsOthers: false },
    create: (env) => createMandrillProvider(readConfig(mandrillVariables, env), { clock: createFakeClock() }),
  },
  {
    ...{ name: "smtp", read: fromSmtp, showsOthers: true },
    create: (env) => createSmtpProvider(readConfig(smtpVariables, env), { clock: createFakeClock() }),
  },
];

const APP = { ...CALLING_APP, limits: { overrides: ["sendgrid", "mandrill"], emailFrom: ["@carillon.dev"] } } satisfies AppRecord;

/** The tasks of a mail to ann@example.org that a gateway accepted. */
async function accepted(email: EmailContent): Promise<DeliveryTask[]> {
  const { store, published, setUp } = await createAcceptWorld();
  await using _ = store;
  const { sendAs, accepting } = setUp();
  const recipient = { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: "ann@example.org" } } } } as const;
  const [result] = await sendAs(APP, { ...smsMessage(randomUUID()), recipient, content: contentToProto({ email }) });
  assert.equal(result?.kind, "accepted", JSON.stringify(result));
  await accepting.published();
  return published;
}

const outbound = (task: DeliveryTask): OutboundDelivery => ({ ...task, attemptId: attemptId(task.deliveryId, task.attempt) });

function expected({ content, arrives }: Case, to: string, showsOthers: boolean): ArrivedMail {
  const { subject, html, text } = content;
  return {
    ...{ from: "Carillon <bells@carillon.dev>", replyTo: [], subject, html, text },
    ...{ headers: {}, files: [], inline: [], tags: [], calendar: undefined },
    ...arrives,
    to: [showsOthers ? "ann@example.org" : to],
    cc: showsOthers ? (arrives.cc ?? []) : [],
  };
}

async function arrivedOf(sandbox: Sandbox, { name, create, read }: (typeof PROVIDERS)[number], delivery: OutboundDelivery) {
  await using provider = create(sandbox.env);
  const outcome = await provider.send(delivery, AbortSignal.timeout(10_000));
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId, provider: name });
  return { recipient: entry?.recipient, mail: await read(entry?.payload) };
}

withSandbox("mails as senders write them", (test) => {
  for (const one of CASES)
    for (const provider of PROVIDERS)
      test(`${one.like}; by ${provider.name}`, async (sandbox) => {
        for (const task of await accepted(one.content)) {
          const to = task.endpoint.channel === "email" ? task.endpoint.address : "";
          const { recipient, mail } = await arrivedOf(sandbox, provider, outbound(task));
          assert.equal(recipient, to);
          assert.deepEqual(mail, expected(one, to, provider.showsOthers));
        }
      });
});

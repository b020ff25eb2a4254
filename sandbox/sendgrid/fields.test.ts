import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { envOf, http1, nowSeconds, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf, listOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

function send(mail: unknown) {
  sandbox.ledger.clear();
  return http1(sandbox, `${envOf(sandbox, "SENDGRID_ORIGIN")}/v3/mail/send`, {
    headers: { authorization: `Bearer ${envOf(sandbox, "SENDGRID_API_KEY_FILE")}`, "content-type": "application/json" },
    body: JSON.stringify(mail),
  });
}

const TO = [{ email: "ada@example.com", name: "Ada L." }];
const PLAIN = { type: "text/plain", value: "t" };
const HTML = { type: "text/html", value: "<p>t</p>" };
const FILE = { content: "JVBERi0=", filename: "ticket, 1.pdf" };
const mail = (change: Record<string, unknown> = {}) => ({
  personalizations: [{ to: TO }],
  from: { email: envOf(sandbox, "EMAIL_FROM") },
  subject: "s",
  content: [PLAIN, HTML],
  ...change,
});
const personal = (change: Record<string, unknown>) => mail({ personalizations: [{ to: TO, ...change }] });

const good = (): unknown[] => [
  mail(),
  mail({ subject: undefined, content: undefined, template_id: "d-123", personalizations: [{ to: TO, dynamic_template_data: { n: [1] } }] }),
  mail({ content: [PLAIN, HTML, { type: "text/calendar; method=REQUEST", value: "BEGIN:VCALENDAR" }] }),
  mail({ reply_to_list: [{ email: "a@example.com" }, { email: "b@example.com", name: "B" }] }),
  personal({
    ...{ cc: [{ email: "cc@example.com" }], bcc: [{ email: "bcc@example.com" }], subject: "own", send_at: nowSeconds() + 3_600 },
    ...{ from: { email: "other@example.com" }, substitutions: { "-name-": "Ada" }, custom_args: { order: "7" } },
    headers: {
      "List-Unsubscribe": "<https://example.com/u>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      "In-Reply-To": "<a@b>",
    },
  }),
  mail({
    ...{
      from: { email: envOf(sandbox, "EMAIL_FROM"), name: "Glöckner; & Co, Ltd" },
      reply_to: { email: "help@example.com", name: "Help" },
    },
    attachments: [FILE, { ...FILE, type: "image/png", disposition: "inline", content_id: "logo" }, { ...FILE, disposition: "attachment" }],
    ...{ headers: { "X-Order": "7" }, sections: { ":s": "text" }, categories: Array.from({ length: 10 }, (_, n) => `c${n}`) },
    ...{ custom_args: { a: "b" }, send_at: nowSeconds() + 3_600, batch_id: "batch", ip_pool_name: "pool", fromTheFuture: 1 },
    asm: { group_id: 12, groups_to_display: [12, 13] },
    mail_settings: { bypass_bounce_management: { enable: false }, footer: { enable: true, text: "f", html: "<p>f</p>" } },
    tracking_settings: {
      ...{ click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: true, substitution_tag: "%o%" } },
      subscription_tracking: { enable: false, text: "t", html: "h", substitution_tag: "%u%" },
      ganalytics: { enable: true, utm_source: "s", utm_medium: "m", utm_term: "t", utm_content: "c", utm_campaign: "n" },
    },
  }),
];

test("SendGrid: mails with every documented field are accepted, and kept whole", async () => {
  for (const given of good()) {
    const answer = await send(given);
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, JSON.parse(JSON.stringify(given)));
  }
});

const bad = (): [field: string, message: RegExp, mail: unknown][] => [
  ["(root)", /Expected: object, given: array/, []],
  ["personalizations", /required/, mail({ personalizations: undefined })],
  ["personalizations.0.to.0", /Expected: object, given: string/, personal({ to: ["ada@example.com"] })],
  ["personalizations.0.to.0.email", /required/, personal({ to: [{ name: "Ada" }] })],
  ["personalizations.0.to.0.name", /';'/, personal({ to: [{ email: "a@example.com", name: "a; b" }] })],
  ["personalizations.0.cc.0.email", /valid address/, personal({ cc: [{ email: "nobody" }] })],
  ["personalizations.0.bcc", /at least one/, personal({ bcc: [] })],
  ["personalizations.0", /unique/, personal({ cc: [{ email: "Ada@example.com" }] })],
  ["personalizations.0.subject", /at least one character/, personal({ subject: "" })],
  ["personalizations.0.headers.Reply-To", /reserved/, personal({ headers: { "Reply-To": "a@example.com" } })],
  ["personalizations.0.headers.X-N", /Expected: string, given: integer/, personal({ headers: { "X-N": 1 } })],
  ["personalizations.0.headers.X N", /empty spaces/, personal({ headers: { "X N": "1" } })],
  ["personalizations.0.headers.X-A", /CRLF/, personal({ headers: { "X-A": "a\r\nBcc: b@example.com" } })],
  ["personalizations.0.headers", /duplicate/, personal({ headers: { "X-A": "1", "x-a": "2" } })],
  ["personalizations.0.custom_args", /empty/, personal({ custom_args: {} })],
  ["personalizations.0.custom_args", /10000 bytes/, personal({ custom_args: { a: "x".repeat(10_000) } })],
  ["personalizations.0.send_at", /72 hours/, personal({ send_at: nowSeconds() + 300_000 })],
  [
    "personalizations",
    /1000 total/,
    mail({ personalizations: Array.from({ length: 501 }, (_, n) => ({ to: ["a", "b"].map((a) => ({ email: `${a}${n}@example.com` })) })) }),
  ],
  ["from", /required/, mail({ from: undefined })],
  ["from.email", /valid address/, mail({ from: { email: "glöckner@example.com" } })],
  ["reply_to.email", /valid address/, mail({ reply_to: { email: "" } })],
  ["reply_to_list", /together/, mail({ reply_to: TO[0], reply_to_list: TO })],
  ["subject", /given: integer/, mail({ subject: 7 })],
  ["content", /text\/plain must be first/, mail({ content: [{ type: "text/calendar", value: "c" }, HTML] })],
  ["content.0.type", /';'/, mail({ content: [{ type: "text/html; charset=utf-8", value: "h" }] })],
  ["content.0.value", /required/, mail({ content: [{ type: "text/plain" }] })],
  ["attachments.0.content", /base64/, mail({ attachments: [{ ...FILE, content: "not base64!" }] })],
  ["attachments.0.content", /at least one character/, mail({ attachments: [{ ...FILE, content: "" }] })],
  ["attachments.0.filename", /required/, mail({ attachments: [{ content: FILE.content }] })],
  ["attachments.0.type", /';'/, mail({ attachments: [{ ...FILE, type: 'text/calendar; charset="UTF-8"; method=REQUEST' }] })],
  ["attachments.0.disposition", /"inline" or "attachment"/, mail({ attachments: [{ ...FILE, disposition: "hidden" }] })],
  ["categories", /10 categories/, mail({ categories: Array.from({ length: 11 }, (_, n) => `c${n}`) })],
  ["categories", /unique/, mail({ categories: ["a", "a"] })],
  ["categories.0", /255/, mail({ categories: ["c".repeat(256)] })],
  ["categories.0", /non-ASCII/, mail({ categories: ["ö"] })],
  ["asm.group_id", /Expected: integer, given: string/, mail({ asm: { group_id: "12" } })],
  ["asm.groups_to_display", /25/, mail({ asm: { group_id: 1, groups_to_display: Array.from({ length: 26 }, (_, n) => n) } })],
  ["ip_pool_name", /2 to 64/, mail({ ip_pool_name: "p" })],
  ["mail_settings.sandbox_mode.enable", /Expected: boolean/, mail({ mail_settings: { sandbox_mode: { enable: "true" } } })],
  [
    "mail_settings.bypass_list_management",
    /combined/,
    mail({ mail_settings: { bypass_list_management: { enable: true }, bypass_spam_management: { enable: true } } }),
  ],
  [
    "tracking_settings.click_tracking.enable",
    /Expected: boolean, given: integer/,
    mail({ tracking_settings: { click_tracking: { enable: 0 } } }),
  ],
  ["tracking_settings.ganalytics.utm_source", /Expected: string/, mail({ tracking_settings: { ganalytics: { utm_source: null } } })],
];

test("SendGrid: a field that breaks its rule is rejected by name", async () => {
  for (const [field, message, given] of bad()) {
    const { status, json } = await send(given);
    const [error, ...others] = listOf(fieldsOf(json).errors).map(fieldsOf);
    assert.deepEqual([status, error?.field, others], [400, field, []]);
    assert.match(String(error?.message), message);
  }
  const { json } = await send(personal({ to: [{ email: "nobody" }] }));
  assert.match(String(fieldsOf(listOf(fieldsOf(json).errors)[0]).help), /#message\.personalizations\.to$/);
});

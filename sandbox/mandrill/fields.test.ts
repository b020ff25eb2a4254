import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { envOf, http1, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf, listOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());

function send(request: Record<string, unknown>) {
  sandbox.ledger.clear();
  return http1(sandbox, `${envOf(sandbox, "MANDRILL_ORIGIN")}/api/1.3/messages/send`, {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key: envOf(sandbox, "MANDRILL_API_KEY_FILE"), ...request }),
  });
}

const FILE = { type: "application/pdf", name: "ticket.pdf", content: "JVBERi0=" };
const IMAGE = { type: "image/png", name: "logo", content: "iVBORw0K" };
const message = (change: Record<string, unknown> = {}) => ({
  ...{ from_email: envOf(sandbox, "EMAIL_FROM"), to: [{ email: "ada@example.com" }], subject: "s", text: "t", ...change },
});
/** As Mandrill writes it: "2026-05-05 10:00:00". */
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19).replace("T", " ");

const good = (): [status: string, request: Record<string, unknown>][] => [
  ["sent", { message: message() }],
  [
    "sent",
    { message: message({ html: null, from_name: null, headers: {}, attachments: [], from_the_future: 1 }), async: false, ip_pool: "Main" },
  ],
  ["queued", { message: message(), async: true }],
  ["scheduled", { message: message(), send_at: inDays(30) }],
  ["sent", { message: message(), send_at: inDays(-1) }],
  [
    "sent",
    {
      message: message({
        ...{
          html: "<p>t</p>",
          from_name: "Glöckner",
          to: [
            { email: "ada@example.com", name: "Ada", type: "to" },
            { email: "b@example.com", type: "bcc" },
          ],
        },
        ...{ headers: { "Reply-To": "help@example.com", "X-Order": "7" }, important: true, track_opens: false, track_clicks: false },
        ...{
          auto_text: false,
          auto_html: false,
          inline_css: true,
          url_strip_qs: false,
          preserve_recipients: false,
          view_content_link: false,
        },
        ...{
          bcc_address: "archive@example.com",
          tracking_domain: "t.example.com",
          signing_domain: "example.com",
          return_path_domain: "m.example.com",
        },
        ...{ merge: true, merge_language: "handlebars", global_merge_vars: [{ name: "n", content: 1 }] },
        merge_vars: [{ rcpt: "ada@example.com", vars: [{ name: "n", content: "Ada" }] }],
        ...{ tags: ["x".repeat(50)], subaccount: "shop", google_analytics_domains: ["example.com"], google_analytics_campaign: "spring" },
        ...{ metadata: { order: "7", total: 12.5 }, recipient_metadata: [{ rcpt: "ada@example.com", values: { user: 1 } }] },
        ...{ attachments: [FILE, { ...FILE, type: "text/calendar; charset=utf-8; method=REQUEST" }], images: [IMAGE] },
      }),
    },
  ],
];

test("Mandrill: messages with every documented field are accepted, and kept whole but for the key", async () => {
  for (const [status, request] of good()) {
    const { json, text } = await send(request);
    assert.deepEqual(new Set(listOf(json).map((one) => fieldsOf(one).status)), new Set([status]), text);
    assert.deepEqual(sandbox.ledger.entries()[0]?.payload, JSON.parse(JSON.stringify(request)));
    assert.equal(sandbox.ledger.entries()[0]?.accepted, true);
  }
});

const inMessage = (faults: unknown, change: Record<string, unknown>): [unknown, Record<string, unknown>] => [
  { message: faults },
  { message: message(change) },
];
const VALUE = "Please enter a value";
const bad = (): [faults: unknown, request: Record<string, unknown>][] => [
  [{ message: VALUE }, {}],
  [{ message: "Please enter an array" }, { message: "text" }],
  inMessage({ from_email: VALUE }, { from_email: undefined }),
  inMessage({ from_email: "An email address must contain a single @" }, { from_email: "nobody" }),
  inMessage({ to: "Please enter an array" }, { to: "ada@example.com" }),
  inMessage({ to: "Please enter an array" }, { to: undefined }),
  inMessage({ to: { 0: { email: VALUE } } }, { to: [{ name: "Ada" }] }),
  inMessage({ to: { 0: { type: "one of to, cc, bcc" } } }, { to: [{ email: "a@example.com", type: "reply" }] }),
  inMessage({ subject: "Enter a value less than 998 characters long" }, { subject: "x".repeat(999) }),
  inMessage({ headers: { "X-N": VALUE } }, { headers: { "X-N": 1 } }),
  inMessage({ headers: { "X-A": "Line breaks are not allowed" } }, { headers: { "X-A": "a\r\nBcc: b@example.com" } }),
  inMessage({ headers: "Header names are printable ASCII" }, { headers: { "X A": "1" } }),
  inMessage({ track_opens: VALUE }, { track_opens: "no" }),
  inMessage({ tags: { 0: "Tags are at most 50 characters" } }, { tags: ["x".repeat(51)] }),
  inMessage({ tags: { 1: "Tags may not start with an underscore" } }, { tags: ["a", "_b"] }),
  inMessage({ metadata: { order: VALUE } }, { metadata: { order: { id: 7 } } }),
  inMessage({ recipient_metadata: { 0: { rcpt: VALUE } } }, { recipient_metadata: [{ values: {} }] }),
  inMessage({ merge_language: "one of mailchimp, handlebars" }, { merge_language: "liquid" }),
  inMessage({ merge_vars: "Please enter an array" }, { merge_vars: {} }),
  inMessage({ global_merge_vars: { 0: { name: "Names may not start with an underscore" } } }, { global_merge_vars: [{ name: "_n" }] }),
  inMessage({ attachments: { 0: { content: "The content must be base64-encoded" } } }, { attachments: [{ ...FILE, content: "no!" }] }),
  inMessage({ attachments: { 0: { name: VALUE } } }, { attachments: [{ ...FILE, name: undefined }] }),
  inMessage({ images: { 0: { type: "The type must start with image/" } } }, { images: [FILE] }),
  inMessage({ signing_domain: "Please enter a domain" }, { signing_domain: "https://example.com" }),
  [{ send_at: "Please enter a time as YYYY-MM-DD HH:MM:SS" }, { message: message(), send_at: "2026-05-05T10:00:00Z" }],
  [{ send_at: "Please enter a time as YYYY-MM-DD HH:MM:SS" }, { message: message(), send_at: "2026-02-30 10:00:00" }],
  [{ send_at: "You can schedule up to a year ahead" }, { message: message(), send_at: inDays(400) }],
  [{ async: VALUE }, { message: message(), async: "true" }],
];

test("Mandrill: a field that breaks its rule is a ValidationError that names it", async () => {
  for (const [faults, request] of bad()) {
    const { status, json } = await send(request);
    const error = fieldsOf(json);
    assert.deepEqual([status, error.status, error.code, error.name], [400, "error", -2, "ValidationError"]);
    assert.equal(error.message, `Validation error: ${JSON.stringify(faults)}`);
  }
  const { status, json } = await send({ message: message({ subaccount: "unknown" }) });
  assert.deepEqual([status, fieldsOf(json).name, fieldsOf(json).code], [404, "Unknown_Subaccount", 12]);
});

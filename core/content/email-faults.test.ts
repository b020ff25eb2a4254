import assert from "node:assert/strict";
import { test } from "node:test";
import { richEmail, SAMPLE_ICS } from "../../test/support/content-samples.ts";
import type { EmailContent } from "./email-content.ts";
import { ATTACHMENTS_BYTES_MAX, EMAIL_BYTES_MAX, emailFaults } from "./email-faults.ts";

const faultsOf = (over: Partial<EmailContent>) => emailFaults(richEmail(over)).map(({ field, rule }) => `${field} ${rule}`);
const file = (bytes: number, over = {}) => ({
  ...{ filename: "a.bin", contentType: "application/octet-stream", base64: Buffer.alloc(bytes).toString("base64") },
  ...over,
});

test("attachments have 256 KiB in all, counted before base64, and none is empty", () => {
  assert.deepEqual(faultsOf({ attachments: [file(ATTACHMENTS_BYTES_MAX - 1), file(1)] }), []);
  assert.deepEqual(faultsOf({ attachments: [file(ATTACHMENTS_BYTES_MAX), file(1)] }), ["content.email.attachments attachments.bytes"]);
  const [tooLarge] = emailFaults(richEmail({ attachments: [file(ATTACHMENTS_BYTES_MAX), file(1)] }));
  assert.equal(
    tooLarge?.message,
    "have 262145 bytes in all, 349528 in base64; at most 262144, 349528 in base64; put larger files with BlobService.PutBlob and give their blob_id",
  );
  assert.deepEqual(faultsOf({ attachments: [file(1), file(0)] }), ["content.email.attachments[1].content attachment.empty"]);
});

test("attachments have names without control characters and different content ids", () => {
  assert.deepEqual(faultsOf({ attachments: [file(1, { filename: "a\0.pdf" })] }), ["content.email.attachments[0].filename string.control"]);
  const same = file(1, { contentId: "logo", contentType: "image/png" });
  assert.deepEqual(faultsOf({ attachments: [same, same] }), ["content.email.attachments attachments.twice"]);
  const page = file(1, { contentId: "page", contentType: "application/pdf" });
  assert.deepEqual(faultsOf({ attachments: [same, page] }), ["content.email.attachments[1].content_type attachment.inline"]);
  for (const contentType of ["message/rfc822", "Multipart/mixed"])
    assert.deepEqual(faultsOf({ attachments: [file(1, { contentType })] }), ["content.email.attachments[0].content_type attachment.type"]);
});

test("a content type may have parameters, but no name beside the filename", () => {
  for (const contentType of ["text/csv; charset=utf-8", 'text/calendar; method=REQUEST; charset="utf-8"', "image/png;x=1"])
    assert.deepEqual(faultsOf({ attachments: [file(1, { contentType })] }), [], contentType);
  const named = file(1, { contentType: 'text/csv; Name="b.csv"' });
  assert.deepEqual(faultsOf({ attachments: [named] }), ["content.email.attachments[0].content_type attachment.name"]);
});

test("every mailbox is one", () => {
  const bad = { address: "Ann <ann@example.org>", name: "A\u0007" };
  const at = (field: string) => [`content.email.${field}.address string.email`, `content.email.${field}.name string.control`];
  assert.deepEqual(faultsOf({ from: bad, replyTo: [bad], cc: [bad], bcc: [bad] }), ["from", "reply_to[0]", "cc[0]", "bcc[0]"].flatMap(at));
});

test("an invitation's method is the one in its text", () => {
  assert.deepEqual(faultsOf({ calendar: { method: "CANCEL", ics: SAMPLE_ICS } }), ["content.email.calendar.ics calendar.method"]);
  assert.deepEqual(faultsOf({ calendar: { method: "REQUEST", ics: "METHOD:REQUEST\n" } }), ["content.email.calendar.ics calendar.form"]);
});

test("a preheader is one line and counts with the texts; a refused header names its field", () => {
  assert.deepEqual(faultsOf({ preheader: "a\nb" }), ["content.email.preheader string.control"]);
  assert.deepEqual(faultsOf({ html: "" }), ["content.email.preheader preheader.html"]);
  assert.deepEqual(faultsOf({ html: "x".repeat(EMAIL_BYTES_MAX - 20) }), ["content.email email.bytes"]);
  assert.deepEqual(faultsOf({ headers: { From: "x" } }), ["content.email.headers header.protected"]);
});

test("an override names no recipient, sender, mark, suppression, template or time", () => {
  const sendgrid = {
    personalizations: [{ to: [{ email: "eve@example.org" }] }],
    ...{ from: { email: "eve@example.org" }, headers: { "List-Unsubscribe": "<mailto:eve@example.org>" }, template_id: "d-1", send_at: 1 },
    ...{ custom_args: { carillon_attempt: "x", campaign: "7" }, asm: { group_id: 1 } },
    ...{ mail_settings: { bypass_list_management: { enable: true }, footer: { enable: true } }, tracking_settings: null },
  };
  const message = { to: [], from_email: "eve@example.org", metadata: { carillon_attempt: "x" }, merge_vars: [], tags: ["ok"] };
  assert.deepEqual(faultsOf({ overrides: { sendgrid } }).toSorted(), [
    ...["asm", "custom_args.carillon_attempt", "from", "headers", "mail_settings.bypass_list_management", "personalizations"].map(
      refused("sendgrid"),
    ),
    ...["send_at", "template_id", "tracking_settings"].map(refused("sendgrid")),
  ]);
  assert.deepEqual(faultsOf({ overrides: { mandrill: { key: "k", send_at: "2026-11-23 12:00:00", message } } }).toSorted(), [
    ...["key", "message.from_email", "message.merge_vars", "message.metadata.carillon_attempt", "message.to", "send_at"].map(
      refused("mandrill"),
    ),
  ]);
  const allowed = { sendgrid: { ip_pool_name: "p", tracking_settings: { open_tracking: { enable: true } } }, mandrill: { ip_pool: "p" } };
  assert.deepEqual(faultsOf({ overrides: allowed }), []);
});

test("a refused override says what to use instead", () => {
  const said = (overrides: EmailContent["overrides"]) => emailFaults(richEmail({ overrides })).map(({ message }) => message);
  assert.deepEqual(said({ sendgrid: { from: {} } }), ["is refused: use content.email.from"]);
  assert.deepEqual(said({ sendgrid: { send_at: 1 } }), ["is refused: use Notification.send_at"]);
  assert.match(said({ sendgrid: { template_id: "d-1" } })[0]!, /templates are not supported/);
  assert.match(said({ sendgrid: { asm: { group_id: 1 } } })[0]!, /Carillon keeps the opt-outs/);
  assert.deepEqual(said({ mandrill: { message: { headers: {} } } }), ["is refused: use content.email.headers"]);
});

const refused = (provider: string) => (path: string) => `content.email.overrides.${provider}.${path} override.protected`;

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { buildMandrillMail, mandrillRoute } from "./payload.ts";

const senders = { EMAIL_FROM: "bells@carillon.dev", EMAIL_FROM_NAME: "Carillon", EMAIL_FROM_ALLOWED: [] };

test("sends at once, untracked, with the ids in the metadata", () => {
  const delivery = sampleEmail();
  assert.deepEqual(buildMandrillMail(delivery, senders), {
    async: false,
    message: {
      from_email: "bells@carillon.dev",
      from_name: "Carillon",
      to: [{ email: "ann@example.org", type: "to" }],
      subject: "Your receipt",
      html: "<p>Thank you</p>",
      text: "Thank you",
      metadata: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      track_opens: false,
      track_clicks: false,
      auto_text: false,
      auto_html: false,
      inline_css: false,
      merge: false,
      preserve_recipients: false,
      view_content_link: false,
    },
  });
});

test("leaves out the part that is empty", () => {
  const message = buildMandrillMail(sampleEmail({ content: { html: "" } }), senders);
  assert.doesNotMatch(JSON.stringify(message), /"html"/);
});

test("leaves files beyond 18 MB to another provider, and rejects them without a call", () => {
  const file = (bytes: number) => ({ filename: "a", contentType: "text/plain", base64: Buffer.alloc(bytes).toString("base64") });
  const with18 = sampleEmail({ content: { attachments: [file(9_000_000), file(9_000_000)] } });
  assert.deepEqual(mandrillRoute(with18), { kind: "open" });
  const withMore = sampleEmail({ content: { attachments: [file(9_000_000), file(9_000_000), file(3)] } });
  assert.deepEqual(mandrillRoute(withMore), { kind: "barred", reason: "attachments-too-large" });
  assert.equal(buildMandrillMail(withMore, senders), "attachments-too-large");
});

test("a mail marked as important is one to Mandrill too, and a file's type keeps its parameters", () => {
  const file = { filename: "a.csv", contentType: "text/csv; charset=utf-8", base64: "QQ==" };
  const { message } = buildMandrillMail(sampleEmail({ content: { headers: { importance: "High" }, attachments: [file] } }), senders) as {
    message: Record<string, unknown>;
  };
  assert.deepEqual([message.important, message.headers], [true, { importance: "High" }]);
  assert.deepEqual(message.attachments, [{ type: "text/csv; charset=utf-8", name: "a.csv", content: "QQ==" }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { buildMandrillMail } from "./payload.ts";

const from = { address: "bells@carillon.dev", name: "Carillon" };

test("sends at once, untracked, with the ids in the metadata", () => {
  const delivery = sampleEmail();
  assert.deepEqual(buildMandrillMail(delivery, from), {
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
      view_content_link: false,
    },
  });
});

test("leaves out the part that is empty", () => {
  assert.equal("text" in (buildMandrillMail(sampleEmail({ content: { text: "" } }), from)?.message ?? {}), false);
  assert.equal("html" in (buildMandrillMail(sampleEmail({ content: { html: "" } }), from)?.message ?? {}), false);
});

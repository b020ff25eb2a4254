import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { buildSendgridMail } from "./payload.ts";

const from = { address: "bells@carillon.dev", name: "Carillon" };

test("puts plain text before html and the ids into custom args", () => {
  const delivery = sampleEmail();
  assert.deepEqual(buildSendgridMail(delivery, from), {
    from: { email: "bells@carillon.dev", name: "Carillon" },
    subject: "Your receipt",
    content: [
      { type: "text/plain", value: "Thank you" },
      { type: "text/html", value: "<p>Thank you</p>" },
    ],
    personalizations: [
      {
        to: [{ email: "ann@example.org" }],
        customArgs: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    trackingSettings: { clickTracking: { enable: false, enableText: false }, openTracking: { enable: false } },
  });
});

test("leaves out the part that is empty", () => {
  assert.deepEqual(buildSendgridMail(sampleEmail({ content: { text: "" } }), from)?.content, [
    { type: "text/html", value: "<p>Thank you</p>" },
  ]);
  assert.deepEqual(buildSendgridMail(sampleEmail({ content: { html: "" } }), from)?.content, [{ type: "text/plain", value: "Thank you" }]);
});

test("leaves out a sender's name that is empty", () => {
  assert.deepEqual(buildSendgridMail(sampleEmail(), { ...from, name: "" })?.from, { email: "bells@carillon.dev" });
});

test("makes a fresh object each time, since the SDK writes into it", () => {
  const delivery = sampleEmail();
  assert.notEqual(buildSendgridMail(delivery, from), buildSendgridMail(delivery, from));
});

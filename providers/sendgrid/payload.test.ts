import assert from "node:assert/strict";
import { test } from "node:test";
import sendgrid from "@sendgrid/mail";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { buildSendgridMail } from "./payload.ts";

/** The package's types leave its class out. */
interface Sdk {
  setClient(client: { setDefaultRequest(): void; request(call: { body: unknown }): Promise<unknown> }): void;
  send(mail: object): Promise<unknown>;
}
const { MailService } = sendgrid as unknown as { MailService: new () => Sdk };

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
        custom_args: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
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

test("is what SendGrid's own package makes of the same mail", async () => {
  let sent: unknown;
  const sdk = new MailService();
  sdk.setClient({
    setDefaultRequest: () => undefined,
    async request({ body }) {
      sent = JSON.parse(JSON.stringify(body));
      return [{}, body];
    },
  });
  const delivery = sampleEmail();
  await sdk.send({
    from: { email: from.address, name: from.name },
    subject: "Your receipt",
    content: [
      { type: "text/plain", value: "Thank you" },
      { type: "text/html", value: "<p>Thank you</p>" },
    ],
    personalizations: [
      { to: [{ email: "ann@example.org" }], customArgs: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId } },
    ],
    trackingSettings: { clickTracking: { enable: false, enableText: false }, openTracking: { enable: false } },
  });
  assert.deepEqual(buildSendgridMail(delivery, from), sent);
});

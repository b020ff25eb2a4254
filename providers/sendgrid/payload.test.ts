import assert from "node:assert/strict";
import { test } from "node:test";
import sendgrid from "@sendgrid/mail";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { buildSendgridMail } from "./payload.ts";

/** The package's types leave its class out. */
interface Sdk {
  setClient(client: { setDefaultRequest(): void; request(call: { body: unknown }): Promise<unknown> }): void;
  send(mail: object): Promise<unknown>;
}
const { MailService } = sendgrid as unknown as { MailService: new () => Sdk };

const senders = { EMAIL_FROM: "bells@carillon.dev", EMAIL_FROM_NAME: "Carillon", EMAIL_FROM_ALLOWED: [] };
const messageIdOf = ({ deliveryId }: OutboundDelivery) => `<${deliveryId.slice(0, 32)}@carillon.dev>`;
const part = (mail: unknown, name: string) => (mail as Record<string, unknown>)[name];

test("puts plain text before html and the ids into custom args", () => {
  const delivery = sampleEmail();
  assert.deepEqual(buildSendgridMail(delivery, senders), {
    from: { email: "bells@carillon.dev", name: "Carillon" },
    subject: "Your receipt",
    content: [
      { type: "text/plain", value: "Thank you" },
      { type: "text/html", value: "<p>Thank you</p>" },
    ],
    personalizations: [
      {
        to: [{ email: "ann@example.org" }],
        headers: { "Message-ID": messageIdOf(delivery) },
        custom_args: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    tracking_settings: {
      click_tracking: { enable: false, enable_text: false },
      open_tracking: { enable: false },
      subscription_tracking: { enable: false },
      ganalytics: { enable: false },
    },
  });
});

test("leaves out html that is empty", () => {
  const mail = buildSendgridMail(sampleEmail({ content: { html: "" } }), senders);
  assert.deepEqual(part(mail, "content"), [{ type: "text/plain", value: "Thank you" }]);
});

test("leaves out a sender's name that is empty", () => {
  assert.deepEqual(part(buildSendgridMail(sampleEmail(), { ...senders, EMAIL_FROM_NAME: "" }), "from"), { email: "bells@carillon.dev" });
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
    from: { email: "bells@carillon.dev", name: "Carillon" },
    subject: "Your receipt",
    content: [
      { type: "text/plain", value: "Thank you" },
      { type: "text/html", value: "<p>Thank you</p>" },
    ],
    personalizations: [
      {
        to: [{ email: "ann@example.org" }],
        headers: { "Message-ID": messageIdOf(delivery) },
        customArgs: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    trackingSettings: {
      clickTracking: { enable: false, enableText: false },
      openTracking: { enable: false },
      subscriptionTracking: { enable: false },
      ganalytics: { enable: false },
    },
  });
  assert.deepEqual(buildSendgridMail(delivery, senders), sent);
});

test("a file's type keeps no parameters but a calendar's method", () => {
  const typeOf = (contentType: string) => {
    const mail = buildSendgridMail(sampleEmail({ content: { attachments: [{ filename: "a", contentType, base64: "QQ==" }] } }), senders);
    return (part(mail, "attachments") as { type: string }[])[0]?.type;
  };
  assert.equal(typeOf("text/csv; charset=utf-8"), "text/csv");
  assert.equal(typeOf('text/calendar; charset="utf-8"; method=request'), "text/calendar; method=REQUEST");
  assert.equal(typeOf("text/calendar; charset=utf-8"), "text/calendar");
});

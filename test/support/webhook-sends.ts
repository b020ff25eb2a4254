import { deliveryOf } from "../../sandbox/kit/read.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { basic, envOf, http1, type RawAnswer } from "./raw-client.ts";

/** The providers with webhooks that the sandbox simulates over HTTP. */
export const WEBHOOK_PROVIDERS = ["twilio", "vonage", "sendgrid", "mandrill"] as const;
export type WebhookProvider = (typeof WEBHOOK_PROVIDERS)[number];

/** The message that the tests of webhooks send by plain HTTP; the provider accepts it. */
export interface TestMessage {
  attemptId: string;
  /** Base URL of the receiver of webhooks, which a message to Twilio contains. */
  target: string;
  /** A number or an address; it has a default. */
  recipient?: string;
  text?: string;
}

export function sendMessage(sandbox: Sandbox, provider: WebhookProvider, message: TestMessage): Promise<RawAnswer> {
  const { url, headers, body } = requestFor(sandbox, provider, message);
  return http1(sandbox, url, { headers, body });
}

function requestFor(sandbox: Sandbox, provider: WebhookProvider, { attemptId, target, recipient, text = "hello" }: TestMessage) {
  const value = (name: string) => envOf(sandbox, name);
  const json = { "content-type": "application/json" };
  const ids = { carillon_delivery: deliveryOf(attemptId), carillon_attempt: attemptId };
  switch (provider) {
    case "twilio": {
      const StatusCallback = `${target}/twilio?${new URLSearchParams({ attempt: attemptId })}`;
      const form = { To: recipient ?? "+15551234567", From: value("TWILIO_FROM"), Body: text, StatusCallback };
      return {
        url: `${value("TWILIO_ORIGIN")}/2010-04-01/Accounts/${value("TWILIO_ACCOUNT_SID")}/Messages.json`,
        headers: {
          authorization: basic(value("TWILIO_ACCOUNT_SID"), value("TWILIO_AUTH_TOKEN_FILE")),
          "content-type": "application/x-www-form-urlencoded",
        },
        body: new URLSearchParams(form).toString(),
      };
    }
    case "vonage":
      return {
        url: `${value("VONAGE_ORIGIN")}/sms/json`,
        headers: { authorization: basic(value("VONAGE_API_KEY"), value("VONAGE_API_SECRET_FILE")), ...json },
        body: JSON.stringify({ to: (recipient ?? "+15551234567").slice(1), from: value("VONAGE_FROM"), text, "client-ref": attemptId }),
      };
    case "sendgrid": {
      const personalization = { to: [{ email: recipient ?? "ada@example.com" }], custom_args: ids };
      const content = [{ type: "text/plain", value: text }];
      return {
        url: `${value("SENDGRID_ORIGIN")}/v3/mail/send`,
        headers: { authorization: `Bearer ${value("SENDGRID_API_KEY_FILE")}`, ...json },
        body: JSON.stringify({ personalizations: [personalization], from: { email: value("EMAIL_FROM") }, subject: "s", content }),
      };
    }
    case "mandrill": {
      const to = [{ email: recipient ?? "ada@example.com" }];
      const message = { from_email: value("EMAIL_FROM"), to, subject: "s", text, metadata: ids };
      return {
        url: `${value("MANDRILL_ORIGIN")}/api/1.3/messages/send`,
        headers: json,
        body: JSON.stringify({ key: value("MANDRILL_API_KEY_FILE"), message }),
      };
    }
  }
}

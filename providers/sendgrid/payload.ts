import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** The part of a mail we use (SendGrid: Mail Send, v3). */
export interface SendgridMail {
  from: { email: string; name?: string };
  subject: string;
  content: { type: "text/plain" | "text/html"; value: string }[];
  personalizations: { to: { email: string }[]; custom_args: { carillon_delivery: string; carillon_attempt: string } }[];
  tracking_settings: { click_tracking: { enable: false; enable_text: false }; open_tracking: { enable: false } };
}

export function buildSendgridMail(delivery: OutboundDelivery, from: { address: string; name: string }): SendgridMail | undefined {
  const { email } = delivery.content;
  if (delivery.endpoint.channel !== "email" || email === undefined) return undefined;
  // Plain text first (RFC 2046, 5.1.4: the last alternative is the best).
  const content: SendgridMail["content"] = [];
  if (email.text !== "") content.push({ type: "text/plain", value: email.text });
  if (email.html !== "") content.push({ type: "text/html", value: email.html });
  return {
    from: from.name === "" ? { email: from.address } : { email: from.address, name: from.name },
    subject: email.subject,
    content,
    personalizations: [
      {
        to: [{ email: delivery.endpoint.address }],
        // They come back in every event.
        custom_args: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    // Links stay what the caller wrote; opens and clicks are not tracked.
    tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
  };
}

import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** The part of the SDK's mail we use. */
export interface SendgridMail {
  from: { email: string; name?: string };
  subject: string;
  content: { type: "text/plain" | "text/html"; value: string }[];
  personalizations: { to: { email: string }[]; customArgs: { carillon_delivery: string; carillon_attempt: string } }[];
  trackingSettings: { clickTracking: { enable: false; enableText: false }; openTracking: { enable: false } };
}

/** A fresh object each time: the SDK writes into what it is given. */
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
        // They come back in every event. No `headers` at the mail's own level: the SDK would send those as HTTP headers too.
        customArgs: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      },
    ],
    // Links stay what the caller wrote; opens and clicks are not tracked.
    trackingSettings: { clickTracking: { enable: false, enableText: false }, openTracking: { enable: false } },
  };
}

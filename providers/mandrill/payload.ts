import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** The part of messages/send we use. */
export interface MandrillMessage {
  from_email: string;
  from_name?: string;
  to: { email: string; type: "to" }[];
  subject: string;
  html?: string;
  text?: string;
  /** Comes back in every webhook. */
  metadata: { carillon_delivery: string; carillon_attempt: string };
  track_opens: false;
  track_clicks: false;
  auto_text: false;
  /** Whether Mandrill's own log shows the content. */
  view_content_link: false;
}

/** The body of messages/send but for the key. Not async: the answer then holds this recipient's own result. */
export function buildMandrillMail(
  delivery: OutboundDelivery,
  from: { address: string; name: string },
): { message: MandrillMessage; async: false } | undefined {
  const { email } = delivery.content;
  if (delivery.endpoint.channel !== "email" || email === undefined) return undefined;
  return {
    async: false,
    message: {
      from_email: from.address,
      ...(from.name === "" ? {} : { from_name: from.name }),
      to: [{ email: delivery.endpoint.address, type: "to" }],
      subject: email.subject,
      ...(email.html === "" ? {} : { html: email.html }),
      ...(email.text === "" ? {} : { text: email.text }),
      metadata: { carillon_delivery: delivery.deliveryId, carillon_attempt: delivery.attemptId },
      track_opens: false,
      track_clicks: false,
      auto_text: false,
      view_content_link: false,
    },
  };
}

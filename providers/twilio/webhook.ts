import { createHmac } from "node:crypto";
import {
  type EventTable,
  header,
  isSame,
  parseForm,
  receiptsOf,
  sortedFields,
  type Webhook,
  type WebhookReader,
} from "../transport/webhook.ts";

/** Twilio: "Message resource: Message Status values". They may come in any order. */
export const TWILIO_EVENTS: EventTable = {
  accepted: "accepted",
  scheduled: "accepted",
  queued: "accepted",
  sending: "accepted",
  sent: "accepted",
  delivered: "delivered",
  undelivered: "undelivered",
  failed: "undelivered",
  canceled: "undelivered",
};

/** Status callbacks; the attempt stands in the query, where payload.ts puts it. */
export const twilio: WebhookReader = {
  provider: "twilio",
  events: TWILIO_EVENTS,
  /** No instructions. */
  acknowledgement: { type: "text/xml", body: "<Response/>" },
  /** Twilio, "Webhooks security": base64 of HMAC-SHA1 under the auth token, over the URL and the sorted parameters. */
  verify(webhook, authToken) {
    const given = Buffer.from(header(webhook, "x-twilio-signature"), "base64");
    const fields = sortedFields(parseForm(webhook.body));
    return urlsOf(webhook).some((url) => isSame(given, createHmac("sha1", authToken).update(`${url}${fields}`).digest()));
  },
  read(webhook) {
    const form = parseForm(webhook.body);
    if (!form.has("MessageStatus")) return undefined;
    return receiptsOf({
      provider: "twilio",
      events: TWILIO_EVENTS,
      attemptId: webhook.query.get("attempt"),
      event: form.get("MessageStatus"),
      reason: form.get("ErrorCode"),
      providerRef: form.get("MessageSid"),
      receivedAt: webhook.receivedAt,
    });
  },
};

/** Twilio signs the port in some products and leaves it out in others; its own SDK tries both. */
function urlsOf({ url }: Webhook): string[] {
  const [, scheme = "", host = "", rest = ""] = /^(https?:\/\/)([^/:?]+|\[[^\]]*\])(?::\d+)?(.*)$/s.exec(url) ?? [];
  return [url, `${scheme}${host}${rest}`, `${scheme}${host}:${scheme === "https://" ? 443 : 80}${rest}`];
}

import { createHmac } from "node:crypto";
import { parseJson } from "../../runtime/http/parse.ts";
import {
  type EventTable,
  header,
  isFields,
  isSame,
  parseForm,
  receiptsOf,
  sortedFields,
  type Webhook,
  type WebhookReader,
} from "../transport/webhook.ts";

/** Mailchimp Transactional: "Track and respond to activity with webhooks". */
const MANDRILL_EVENTS: EventTable = {
  send: "accepted",
  deferral: "accepted",
  delivered: "delivered",
  hard_bounce: "undelivered",
  soft_bounce: "undelivered",
  reject: "undelivered",
};

/** Message events in one form field; our ids are in the message's metadata. */
export const mandrill: WebhookReader = {
  provider: "mandrill",
  events: MANDRILL_EVENTS,
  /** Sent when the webhook is set up, signed with a key that no account has. */
  isProbe(webhook) {
    const events = eventsOf(webhook);
    return webhook.body.length === 0 || (Array.isArray(events) && events.length === 0);
  },
  /** "Authenticating webhook requests": base64 of HMAC-SHA1 under the webhook's key, over its URL and the sorted fields. */
  verify(webhook, key) {
    const text = `${webhook.url}${sortedFields(parseForm(webhook.body))}`;
    return isSame(Buffer.from(header(webhook, "x-mandrill-signature"), "base64"), createHmac("sha1", key).update(text).digest());
  },
  read(webhook) {
    const events = eventsOf(webhook);
    if (!Array.isArray(events) || !events.every(isFields)) return undefined;
    return events.flatMap((event) => {
      const message = isFields(event.msg) ? event.msg : {};
      const metadata = isFields(message.metadata) ? message.metadata : {};
      return receiptsOf({
        provider: "mandrill",
        events: MANDRILL_EVENTS,
        attemptId: metadata.carillon_attempt,
        event: event.event,
        providerRef: event._id,
        at: Number(event.ts) * 1_000,
        receivedAt: webhook.receivedAt,
      });
    });
  },
};

const eventsOf = (webhook: Webhook) => parseJson(parseForm(webhook.body).get("mandrill_events") ?? "");

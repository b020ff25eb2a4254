import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { parseJson } from "../../runtime/http/parse.ts";
import { type EventTable, header, isFields, isRecent, receiptsOf, type WebhookReader } from "../transport/webhook.ts";

/** SendGrid: "Event Webhook Reference: Delivery events". */
const SENDGRID_EVENTS: EventTable = {
  processed: "accepted",
  deferred: "accepted",
  delivered: "delivered",
  bounce: "undelivered",
  dropped: "undelivered",
};

/** The Event Webhook: a batch of events, custom arguments beside the other fields. */
export const sendgrid: WebhookReader = {
  provider: "sendgrid",
  events: SENDGRID_EVENTS,
  /** "Event Webhook Security Features": ECDSA over SHA-256 of timestamp and raw body; the public key is base64 of DER. */
  verify(webhook, publicKey) {
    const timestamp = header(webhook, "x-twilio-email-event-webhook-timestamp");
    const signature = Buffer.from(header(webhook, "x-twilio-email-event-webhook-signature"), "base64");
    const key = parsePublicKey(publicKey);
    if (key === undefined || !/^\d{1,12}$/.test(timestamp) || !isRecent(Number(timestamp) * 1_000, webhook.receivedAt)) return false;
    return verify("sha256", Buffer.concat([Buffer.from(timestamp), webhook.body]), key, signature);
  },
  read({ body, receivedAt }) {
    const events = parseJson(body);
    if (!Array.isArray(events) || !events.every(isFields)) return undefined;
    return events.flatMap((event) =>
      receiptsOf({
        provider: "sendgrid",
        events: SENDGRID_EVENTS,
        attemptId: event.carillon_attempt,
        event: event.event,
        // A "blocked" one says nothing against the address.
        reason: event.event === "bounce" && event.type === "blocked" ? "blocked" : event.event,
        // Without what SendGrid adds for each recipient it is the X-Message-Id of the send.
        providerRef: typeof event.sg_message_id === "string" ? event.sg_message_id.replace(/\.(filter|recvd).*$/s, "") : undefined,
        at: Number(event.timestamp) * 1_000,
        receivedAt,
      }),
    );
  },
};

/** Undefined where it is no key that SendGrid would give. */
export function parsePublicKey(base64: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
    return key.asymmetricKeyType === "ec" ? key : undefined;
  } catch {
    return undefined;
  }
}

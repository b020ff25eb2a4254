import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { parseBoundedJson } from "../../runtime/http/bounded-json.ts";
import {
  decodeExactly,
  EVENTS_JSON,
  type EventTable,
  header,
  isFields,
  isRecent,
  momentIn,
  receiptsOf,
  type WebhookReader,
} from "../transport/webhook.ts";
import { learnedFrom, reasonOf } from "./learned.ts";

/** SendGrid: "Event Webhook Reference": delivery events, and of engagement events those by which people refuse: they have the mail. */
const SENDGRID_EVENTS: EventTable = {
  processed: "accepted",
  deferred: "accepted",
  delivered: "delivered",
  bounce: "undelivered",
  dropped: "undelivered",
  spamreport: "delivered",
  unsubscribe: "delivered",
  group_unsubscribe: "delivered",
};

const TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp";
const SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature";
/** DER of two numbers of a curve's size; P-256 takes 72 at most. */
const SIGNATURE_BYTES_MAX = 144;

/** The Event Webhook: a batch of events, custom arguments beside the other fields. */
export const sendgrid: WebhookReader = {
  provider: "sendgrid",
  events: SENDGRID_EVENTS,
  /** SendGrid: a batch has 768 kB at most. */
  bodyBytesMax: 1_048_576,
  maySign(headers) {
    const { length } = decodeExactly(header({ headers }, SIGNATURE_HEADER), "base64");
    return /^\d{1,12}$/.test(header({ headers }, TIMESTAMP_HEADER)) && length > 0 && length <= SIGNATURE_BYTES_MAX;
  },
  /** "Event Webhook Security Features": ECDSA over SHA-256 of timestamp and raw body; the public key is base64 of DER. */
  verify(webhook, publicKey) {
    const timestamp = header(webhook, TIMESTAMP_HEADER);
    const signature = decodeExactly(header(webhook, SIGNATURE_HEADER), "base64");
    if (!/^\d{1,12}$/.test(timestamp) || !isRecent(Number(timestamp) * 1_000, webhook.receivedAt)) return false;
    const key = parsePublicKey(publicKey);
    return key !== undefined && verify("sha256", Buffer.concat([Buffer.from(timestamp), webhook.body]), key, signature);
  },
  read({ body, receivedAt }) {
    const events = parseBoundedJson(body, EVENTS_JSON);
    if (!Array.isArray(events) || !events.every(isFields)) return undefined;
    return events.flatMap((event) =>
      receiptsOf({
        provider: "sendgrid",
        events: SENDGRID_EVENTS,
        attemptId: event.carillon_attempt,
        event: event.event,
        reason: reasonOf(event),
        learned: learnedFrom(event),
        // Without what SendGrid adds for each recipient it is the X-Message-Id of the send.
        providerRef: typeof event.sg_message_id === "string" ? event.sg_message_id.replace(/\.(filter|recvd).*$/s, "") : undefined,
        at: momentIn(event.timestamp),
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

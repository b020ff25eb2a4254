import { createHmac } from "node:crypto";
import { parseBoundedJson } from "../../runtime/http/bounded-json.ts";
import {
  decodeExactly,
  EVENTS_JSON,
  type EventTable,
  header,
  isFields,
  isSame,
  momentIn,
  parseForm,
  receiptsOf,
  sortedFields,
  type Webhook,
  type WebhookReader,
} from "../transport/webhook.ts";
import { learnedFrom, reasonOf } from "./learned.ts";

/** Mailchimp Transactional: "Track and respond to activity with webhooks". */
const MANDRILL_EVENTS: EventTable = {
  send: "accepted",
  deferral: "accepted",
  delivered: "delivered",
  hard_bounce: "undelivered",
  soft_bounce: "undelivered",
  reject: "undelivered",
  // People have the mail that they report or unsubscribe by.
  spam: "delivered",
  unsub: "delivered",
};

/** Bytes of an HMAC-SHA1. */
const SIGNATURE_BYTES = 20;
const SIGNATURE_HEADER = "x-mandrill-signature";
/** A probe has 22 bytes. */
const PROBE_BYTES_MAX = 64;

/** Message events in one form field; our ids are in the message's metadata. */
export const mandrill: WebhookReader = {
  provider: "mandrill",
  events: MANDRILL_EVENTS,
  /** A batch has a thousand events at most; Mandrill documents no size. */
  bodyBytesMax: 1_048_576,
  /** What is short may be a probe. */
  maySign: (headers) =>
    decodeExactly(header({ headers }, SIGNATURE_HEADER), "base64").length === SIGNATURE_BYTES ||
    (/^\d+$/.test(header({ headers }, "content-length")) && Number(header({ headers }, "content-length")) <= PROBE_BYTES_MAX),
  /** Sent when the webhook is set up, signed with a key that no account has. */
  isProbe: ({ body }) =>
    body.length === 0 || (body.length <= PROBE_BYTES_MAX && /^\s*\[\s*\]\s*$/.test(parseForm(body)?.get("mandrill_events") ?? "")),
  /** "Authenticating webhook requests": base64 of HMAC-SHA1 under the webhook's key, over its URL and the sorted fields. */
  verify(webhook, key) {
    const form = parseForm(webhook.body);
    if (form?.getAll("mandrill_events").length !== 1) return false;
    const text = `${webhook.url}${sortedFields(form)}`;
    return isSame(decodeExactly(header(webhook, SIGNATURE_HEADER), "base64"), createHmac("sha1", key).update(text).digest());
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
        reason: reasonOf(event.event, message),
        learned: learnedFrom(event.event, message),
        providerRef: event._id,
        at: momentIn(event.ts),
        receivedAt: webhook.receivedAt,
      });
    });
  },
};

const eventsOf = ({ body }: Webhook) => parseBoundedJson(Buffer.from(parseForm(body)?.get("mandrill_events") ?? ""), EVENTS_JSON);

import { createHmac } from "node:crypto";
import {
  decodeExactly,
  type EventTable,
  header,
  isSame,
  parseForm,
  receiptsOf,
  sortedFields,
  type Webhook,
  type WebhookReader,
} from "../transport/webhook.ts";
import { isText, twilioTexts } from "./inbound.ts";

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

/** Bytes of an HMAC-SHA1. */
const SIGNATURE_BYTES = 20;
const SIGNATURE_HEADER = "x-twilio-signature";

/** Twilio: "Error 21610": the person answered STOP to this sender. */
const STOPPED = "21610";

/** Status callbacks, in whose query the attempt stands, where payload.ts puts it; and texts that people write. */
export const twilio: WebhookReader = {
  provider: "twilio",
  events: TWILIO_EVENTS,
  /** Callbacks have a dozen fields of 34 characters at most; a text has 1,600 characters, each of up to 12 bytes in a form. */
  bodyBytesMax: 65_536,
  /** No instructions. */
  acknowledgement: { type: "text/xml", body: "<Response/>" },
  maySign: (headers) => decodeExactly(header({ headers }, SIGNATURE_HEADER), "base64").length === SIGNATURE_BYTES,
  /** Twilio, "Webhooks security": base64 of HMAC-SHA1 under the auth token, over the URL and the sorted parameters. */
  verify(webhook, authToken) {
    const form = parseForm(webhook.body);
    // What is read of a text is checked where it is read: people write anything.
    if (form === undefined || !(isText(form) || hasOneReading(form))) return false;
    const given = decodeExactly(header(webhook, SIGNATURE_HEADER), "base64");
    const fields = sortedFields(form);
    return urlsOf(webhook).some((url) => isSame(given, createHmac("sha1", authToken).update(`${url}${fields}`).digest()));
  },
  read(webhook) {
    const form = parseForm(webhook.body);
    if (!form?.has("MessageStatus")) return undefined;
    return receiptsOf({
      provider: "twilio",
      events: TWILIO_EVENTS,
      attemptId: webhook.query.get("attempt"),
      event: form.get("MessageStatus"),
      reason: form.get("ErrorCode"),
      providerRef: form.get("MessageSid"),
      learned: form.get("ErrorCode") === STOPPED ? { kind: "stop", reason: STOPPED } : undefined,
      receivedAt: webhook.receivedAt,
    });
  },
  texts: twilioTexts,
};

/** The parameters that read() uses, with their forms. */
const READ = new Map([
  ["MessageStatus", /^[a-z_-]*$/],
  ["ErrorCode", /^\d*$/],
  ["MessageSid", /^[A-Z]{2}[0-9a-f]{32}$/],
]);
/** As in MediaUrl0: a value's digits cannot become the middle of a name. */
const NAME = /^[A-Za-z]+\d{0,2}$/;

/**
 * Whether the signed text, names and values without a mark between, can be taken apart in this way only, as far as it is read. Otherwise whoever
 * saw one callback could hide its ErrorCode in the value before it.
 */
function hasOneReading(form: URLSearchParams): boolean {
  const holdsRead = (text: string) => [...READ.keys()].some((name) => text.includes(name));
  return [...form].every(([name, value]) => {
    const documented = READ.get(name);
    if (documented !== undefined) return documented.test(value) && form.getAll(name).length === 1;
    return NAME.test(name) && !holdsRead(name) && !holdsRead(value);
  });
}

/** Twilio signs the port in some products and leaves it out in others; its own SDK tries both. */
function urlsOf({ url }: Webhook): string[] {
  const [, scheme = "", host = "", rest = ""] = /^(https?:\/\/)([^/:?]+|\[[^\]]*\])(?::\d+)?(.*)$/s.exec(url) ?? [];
  return [url, `${scheme}${host}${rest}`, `${scheme}${host}:${scheme === "https://" ? 443 : 80}${rest}`];
}

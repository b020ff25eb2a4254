import type { JsonValue } from "../../core/content/json.ts";
import { withOverride } from "../../core/content/overrides.ts";
import { type SmsContent, sentText } from "../../core/content/sms-content.ts";
import { TWILIO_PROTECTED, twilioSpelling } from "../../core/content/sms-overrides.ts";
import { storedMs } from "../../core/delivery/lifetime.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** Bounds of ValidityPeriod in seconds (Twilio: Message resource, ValidityPeriod). Less than the least cannot be asked for: "now or never" is 1 s. */
const VALIDITY_S_MIN = 1;
const VALIDITY_S_MAX = 36_000;

/** A field of a form; one that is given several times is a list. */
export type FormField = string | readonly string[];

/** The fields of a form (Twilio: Message resource, create). */
type TwilioMessage = {
  To: string;
  Body?: string;
  MediaUrl?: readonly string[];
  /** Seconds Twilio may keep it queued; then it fails with 30036. */
  ValidityPeriod: `${number}`;
  /** The text is sent as it is: what replaces characters is ours, and what is charged was told before. */
  SmartEncoded: "false";
  StatusCallback?: string;
} & ({ From: string } | { MessagingServiceSid: string });

const SERVICE_SID = /^MG[0-9a-fA-F]{32}$/;
/** A Messaging Service chooses the number itself. */
export const isService = (from: string) => SERVICE_SID.test(from);

/** Alphanumeric: recipients cannot answer it. */
const isName = (from: string) => !isService(from) && /[A-Za-z]/.test(from);

/** What of a text Twilio cannot send from this sender, in one word; undefined: it sends all. @param from undefined: not known, as in a preview */
export function twilioLacks({ flash, mediaUrls, registeredEntity, registeredTemplate }: SmsContent, from?: string): string | undefined {
  if (flash) return "flash-not-supported";
  if (from === undefined) return undefined;
  // Alphanumeric senders are of SMS alone (Twilio: "Alphanumeric Sender ID"); which number a service takes only Twilio knows.
  if (mediaUrls !== undefined && isName(from)) return "media-not-supported";
  // India's ids have no parameter. Twilio has them with a registered name, which a service may hold too; a number has none.
  const isRegistered = registeredEntity !== undefined || registeredTemplate !== undefined;
  return isRegistered && !isName(from) && !isService(from) ? "registration-not-supported" : undefined;
}

/** A Messaging Service, a number, a short code, or an alphanumeric name (Twilio: Message resource, From). */
export const TWILIO_SENDER_FORM = {
  holds: (from: string) =>
    isService(from) || /^\+[1-9]\d{6,14}$/.test(from) || /^\d{3,8}$/.test(from) || /^(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}$/.test(from),
  says: "a Messaging Service (MG and 32 hexadecimal digits), a number with the plus, a short code, or a name of at most 11 characters",
};

/**
 * Where Twilio reports about a message: each has a URL of its own, by ?attempt=, so that a report names its attempt even where no answer came. The URL is
 * taken apart once: for each message that took 5 us.
 * @param url absolute, or "" for none
 */
export function statusCallbacks(url: string): StatusCallback | undefined {
  if (url === "") return undefined;
  const parsed = new URL(url);
  // Twilio reads options of its own from it (Twilio: Webhooks, connection overrides).
  const { hash } = parsed;
  parsed.hash = "";
  parsed.searchParams.delete("attempt");
  parsed.searchParams.append("attempt", "");
  const { href } = parsed;
  return (attemptId) => href + encodeURIComponent(attemptId) + hash;
}

type StatusCallback = (attemptId: string) => string;

/**
 * @param setup without a statusCallback Twilio reports nothing
 * @param now ms since the epoch: Twilio takes a duration, not a moment
 */
export function buildTwilioMessage(
  delivery: OutboundDelivery,
  setup: { from: string; statusCallback: StatusCallback | undefined },
  now: number,
): Record<string, FormField> | undefined {
  const { endpoint, content, attemptId } = delivery;
  if (endpoint.channel !== "sms" || content.sms === undefined) return undefined;
  const text = sentText(content.sms);
  const { mediaUrls, overrides } = content.sms;
  const seconds = Math.floor(storedMs(delivery, now) / 1_000);
  const message: TwilioMessage = {
    To: endpoint.phoneNumber,
    ...(isService(setup.from) ? { MessagingServiceSid: setup.from } : { From: setup.from }),
    ...(text === "" ? {} : { Body: text }),
    ...(mediaUrls === undefined ? {} : { MediaUrl: mediaUrls }),
    ValidityPeriod: `${Math.min(VALIDITY_S_MAX, Math.max(VALIDITY_S_MIN, seconds))}`,
    SmartEncoded: "false",
    ...(setup.statusCallback && { StatusCallback: setup.statusCallback(attemptId) }),
  };
  if (overrides?.twilio === undefined) return message;
  return asForm(withOverride(message, twilioSpelling(overrides.twilio), TWILIO_PROTECTED));
}

/** Numbers and truth values as text, a list as its items, an object as JSON, which ContentVariables is. */
const asForm = (fields: Readonly<Record<string, JsonValue>>): Record<string, FormField> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? value.map(asText) : asText(value)]));

const asText = (value: JsonValue) => (typeof value === "string" ? value : JSON.stringify(value));

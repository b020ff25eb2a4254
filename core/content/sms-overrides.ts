import type { ContentFault } from "./codec.ts";
import type { JsonObject } from "./json.ts";
import { OURS, pathsOf, protectedFaults, type RefusalReasons, reasonsIn } from "./overrides.ts";

// What an override of a text may set. Recipient, sender, ids, lifetime and receipts are Carillon's; text and media have fields of their own, by which
// segments are counted, routes are chosen, and messages are found again at the provider.

const SENDER = "use content.sms.sender";
const TEXT = "use content.sms.text";
const LIFETIME = "use Notification.ttl_seconds";
const NOT_SUPPORTED = "not supported";

/** Twilio: Message resource, create. An own schedule, attempt count or TwiML application would work against ours. */
const TWILIO_REFUSED: RefusalReasons = {
  ...{ To: "use recipient", From: SENDER, MessagingServiceSid: SENDER, Body: TEXT, MediaUrl: "use content.sms.media_urls" },
  ...{
    StatusCallback: OURS,
    ValidityPeriod: LIFETIME,
    SendAt: "use Notification.send_at",
    ScheduleType: "use Notification.send_at",
  },
  ...{ Attempt: OURS, ApplicationSid: NOT_SUPPORTED },
  // Another sender than those that the app may use, and another text than the one that was checked and counted.
  ...{ FallbackFrom: SENDER, ContentSid: `${NOT_SUPPORTED}; ${TEXT}`, ContentVariables: `${NOT_SUPPORTED}; ${TEXT}` },
  ...{ ShortenUrls: NOT_SUPPORTED, SmartEncoded: "use content.sms.transliterate" },
};
export const TWILIO_PROTECTED = pathsOf(TWILIO_REFUSED);

/** The other parameters that Twilio documents. It ignores any that it does not know, so that a misspelt one would have no effect. */
const TWILIO_NAMES = [
  ...["ProvideFeedback", "MaxPrice", "ForceDelivery", "ContentRetention", "AddressRetention", "PersistentAction", "TrafficType"],
  ...["SendAsMms", "RiskCheck", "MessageIntent"],
];

/** Vonage: SMS API, send. A message of type binary has no text. */
const VONAGE_REFUSED: RefusalReasons = {
  ...{ to: "use recipient", from: SENDER, text: TEXT, type: "Carillon sets it, by the text", body: NOT_SUPPORTED, udh: NOT_SUPPORTED },
  ...{ "protocol-id": NOT_SUPPORTED, "client-ref": OURS, ttl: LIFETIME, callback: OURS },
  ...{ "status-report-req": OURS, api_key: "the account has it", api_secret: "the account has it" },
  ...{ sig: "the account has it", timestamp: "the account has it" },
};
export const VONAGE_PROTECTED = pathsOf(VONAGE_REFUSED);

/** The other parameters that Vonage documents; it ignores others too. */
const VONAGE_NAMES = ["message-class", "account-ref", "entity-id", "content-id", "trusted-recipient"];

/** A parameter as Twilio spells it, also where it has the spelling of Twilio's SDK for Node: maxPrice is MaxPrice. */
const twilioName = (name: string) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;

/** An override in the spelling that Twilio reads. */
export const twilioSpelling = (override: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(override).map(([name, value]) => [twilioName(name), value]));

export const twilioFaults = (field: string, override: JsonObject | undefined): ContentFault[] => [
  ...protectedFaults(field, override, TWILIO_PROTECTED, reasonsIn(TWILIO_REFUSED)),
  ...unknownFaults(field, override, { names: TWILIO_NAMES, refused: TWILIO_REFUSED, spelled: twilioName }),
  ...twiceFaults(field, override),
];

export const vonageFaults = (field: string, override: JsonObject | undefined): ContentFault[] => [
  ...protectedFaults(field, override, VONAGE_PROTECTED, reasonsIn(VONAGE_REFUSED)),
  ...unknownFaults(field, override, { names: VONAGE_NAMES, refused: VONAGE_REFUSED, spelled: (name) => name }),
];

/** @param known `refused` are those that have a fault of their own */
function unknownFaults(
  field: string,
  override: JsonObject = {},
  known: { names: readonly string[]; refused: RefusalReasons; spelled(name: string): string },
): ContentFault[] {
  const refused = new Set(Object.keys(known.refused).map((name) => name.toLowerCase()));
  const message = `is no parameter that an override may set; it may set ${known.names.join(", ")}`;
  return Object.keys(override)
    .filter((name) => !refused.has(name.toLowerCase()) && !known.names.includes(known.spelled(name)))
    .map((name) => ({ field: `${field}.${name}`, rule: "override.unknown", message }));
}

function twiceFaults(field: string, override: JsonObject = {}): ContentFault[] {
  const names = Object.keys(override);
  return names
    .filter((name) => name !== twilioName(name) && names.includes(twilioName(name)))
    .map((name) => ({ field: `${field}.${name}`, rule: "override.twice", message: `is ${twilioName(name)} in another spelling` }));
}

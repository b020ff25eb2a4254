import type { NotificationClass } from "../delivery/channel.ts";
import { advertisingCountryOf, advertisingMarks } from "../preferences/advertising-rules.ts";
import { isGsm7, smsSegments } from "./sms.ts";
import { type SmsContent, sentText } from "./sms-content.ts";
import { transliterate } from "./transliterate.ts";
import { type ProviderName, rulesFor, type WarningRule } from "./warning-rule.ts";

const BOTH: readonly ProviderName[] = ["twilio", "vonage"];
/** Characters that a warning quotes: enough to find what is meant. */
const QUOTED_MAX = 3;

const rule = rulesFor("sms");

export const smsWarnings: readonly WarningRule[] = [
  rule("ucs2", "text", BOTH, (sms) => (sms.mediaUrls === undefined ? ucs2(sms) : undefined)),
  rule("flash-not-sent", "flash", ["twilio"], ({ flash }) => flash && "Twilio has no flash messages: only Vonage sends this one"),
  rule(
    "media-not-sent",
    "media_urls",
    ["vonage"],
    ({ mediaUrls }) => mediaUrls && "Vonage would drop the media: only Twilio sends this one",
  ),
  rule(
    "media-countries",
    "media_urls",
    ["twilio"],
    ({ mediaUrls }) =>
      mediaUrls && "Twilio sends media in the US, Canada and Australia; elsewhere the text carries links to them, and is charged as a text",
  ),
  rule(
    "not-sent",
    "registered_entity",
    ["twilio"],
    ({ registeredEntity }) => registeredEntity && "is not sent: Twilio has it with the sender",
  ),
  rule(
    "not-sent",
    "registered_template",
    ["twilio"],
    ({ registeredTemplate }) => registeredTemplate && "is not sent: Twilio has it with the sender",
  ),
  rule("not-sent", "overrides.twilio", ["vonage"], ({ overrides }) => overrides?.twilio && "is not sent: it is for Twilio"),
  rule("not-sent", "overrides.vonage", ["twilio"], ({ overrides }) => overrides?.vonage && "is not sent: it is for Vonage"),
];

/**
 * What a text that advertises lacks by the law of the number's country. It is sent all the same: only the caller knows what advertises.
 * @param phoneNumber E.164, or the beginning of one that tells the country
 */
export function advertisingWarnings(
  sms: SmsContent,
  { notificationClass, phoneNumber }: { notificationClass: NotificationClass; phoneNumber: string },
): { code: string; field: string; message: string }[] {
  const marks = advertisingMarks(advertisingCountryOf(phoneNumber) ?? "");
  if (notificationClass !== "marketing" || marks === undefined) return [];
  const { country, beginning, optOut, optOutExample } = marks;
  const text = sentText(sms);
  const lacks = (code: string, message: string) => [
    { code, field: "content.sms.text", message: `advertising in ${country} must ${message}` },
  ];
  return [
    ...(text.startsWith(beginning) ? [] : lacks("advertising-mark", `begin with ${beginning}, and this text does not`)),
    ...(optOut.test(text) ? [] : lacks("advertising-opt-out", `say how to refuse at no cost, for example ${optOutExample}`)),
  ];
}

/** What a character outside the GSM alphabet costs, and whether it can be had for less. */
function ucs2(sms: SmsContent): string | undefined {
  const text = sentText(sms);
  const foreign = [...new Set([...text].filter((character) => !isGsm7(character)))];
  if (foreign.length === 0) return undefined;
  const { segments } = smsSegments(text);
  // What the text would take if these were letters of the GSM alphabet.
  const plainSegments = smsSegments([...text].map((character) => (isGsm7(character) ? character : "x")).join("")).segments;
  if (segments === plainSegments) return undefined;
  const quoted = foreign.slice(0, QUOTED_MAX).join(" ");
  const which = foreign.length > QUOTED_MAX ? `${quoted} and ${foreign.length - QUOTED_MAX} more` : quoted;
  const remedy = !sms.transliterate && isGsm7(transliterate(text)) ? "; transliterate would replace them" : "";
  return `a text with ${which} is charged as UCS-2: ${segments} segments instead of ${plainSegments}${remedy}`;
}

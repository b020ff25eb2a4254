import type { Channel } from "../delivery/channel.ts";
import { type ContentCodec, type ContentFault, fieldValues, showsSomething, withoutEmpty } from "./codec.ts";
import { httpsFaults, overrideFaults } from "./field-checks.ts";
import { copyJson, type JsonObject } from "./json.ts";
import { SMS_SEGMENTS_MAX, type SmsSegments, smsSegments } from "./sms.ts";
import { twilioFaults, vonageFaults } from "./sms-overrides.ts";
import { transliterate } from "./transliterate.ts";

/** Merge patches (RFC 7396) of what each provider is sent. */
export interface SmsOverrides {
  twilio?: JsonObject | undefined;
  vonage?: JsonObject | undefined;
}

/** A field that the caller did not give is absent. */
export interface SmsContent {
  /** "" only with media. */
  text: string;
  /** The name of one of the account's senders; absent: the one for the recipient's country, else the account's default. */
  sender?: string | undefined;
  /** From 1; absent: SMS_SEGMENTS_MAX. */
  segmentsMax?: number | undefined;
  transliterate?: boolean | undefined;
  registeredEntity?: string | undefined;
  registeredTemplate?: string | undefined;
  overrides?: SmsOverrides | undefined;
  /** https. */
  mediaUrls?: string[] | undefined;
  flash?: boolean | undefined;
}

/** carillon.v1.SmsContent. */
export interface SmsWire {
  text: string;
  sender: string;
  segmentsMax: number;
  transliterate: boolean;
  registeredEntity: string;
  registeredTemplate: string;
  overrides: { twilio: JsonObject | undefined; vonage: JsonObject | undefined } | undefined;
  mediaUrls: string[];
  flash: boolean;
}

/** What came after text; the hash and the needs of a task go by this list. */
export const RICH_SMS_FIELDS = [
  "sender",
  "segmentsMax",
  "transliterate",
  "registeredEntity",
  "registeredTemplate",
  "overrides",
  "mediaUrls",
  "flash",
] as const satisfies (keyof SmsContent)[];

export const smsCodec: ContentCodec<SmsContent, SmsWire> = {
  fromProto: ({ text, sender, segmentsMax, transliterate, registeredEntity, registeredTemplate, overrides, mediaUrls, flash }) => ({
    text,
    ...withoutEmpty({
      ...{ sender, segmentsMax: segmentsMax || undefined, transliterate, registeredEntity, registeredTemplate },
      overrides: overrides && overridesOf(overrides),
      ...{ mediaUrls: [...mediaUrls], flash },
    }),
  }),
  toProto: ({ text, overrides, ...rich }) => ({
    text,
    ...{ sender: rich.sender ?? "", segmentsMax: rich.segmentsMax ?? 0, transliterate: rich.transliterate ?? false },
    ...{ registeredEntity: rich.registeredEntity ?? "", registeredTemplate: rich.registeredTemplate ?? "" },
    overrides: overrides && { twilio: overrides.twilio, vonage: overrides.vonage },
    ...{ mediaUrls: rich.mediaUrls ?? [], flash: rich.flash ?? false },
  }),
  namedValues: (content) => [["sms.text", content.text], ...fieldValues("sms", content, RICH_SMS_FIELDS)],
  faults: (content, channels) => [
    ...textFaults(content, channels),
    ...(content.mediaUrls ?? []).flatMap((url, i) => httpsFaults(`content.sms.media_urls[${i}]`, url)),
    ...flashFaults(content),
    ...overrideFaults("content.sms.overrides", { ...content.overrides }),
    ...twilioFaults("content.sms.overrides.twilio", content.overrides?.twilio),
    ...vonageFaults("content.sms.overrides.vonage", content.overrides?.vonage),
  ],
};

const overridesOf = ({ twilio, vonage }: NonNullable<SmsWire["overrides"]>): SmsOverrides =>
  withoutEmpty({ twilio: twilio && copyJson(twilio), vonage: vonage && copyJson(vonage) });

/** The text as every provider is sent it. */
export const sentText = ({ text, transliterate: isPlain = false }: Pick<SmsContent, "text" | "transliterate">): string =>
  isPlain ? transliterate(text) : text;

/** What an SMS is charged by, beside its destination. Media make it an MMS, which has no segments. */
export interface SmsSize {
  form: SmsSegments["encoding"] | "mms";
  segments: number;
}

export function smsSizeOf(content: SmsContent): SmsSize {
  if (content.mediaUrls !== undefined) return { form: "mms", segments: 0 };
  const { encoding, segments } = smsSegments(sentText(content));
  return { form: encoding, segments };
}

/**
 * Control characters but tab, line feed, form feed, carriage return and next line. The GSM alphabet has none of them, but for the escape, which changes the letter
 * after it; as UCS-2, phones show nothing or end the text there.
 */
const UNSENT = /(?![\t\n\f\r\u0085])\p{Cc}/u;

function textFaults(content: SmsContent, channels: readonly Channel[]): ContentFault[] {
  const { text, segmentsMax = SMS_SEGMENTS_MAX, mediaUrls } = content;
  if (text === "" && mediaUrls !== undefined) return [];
  if (!showsSomething(text)) return [{ field: "content.sms.text", rule: "sms.blank", message: "has nothing to see" }];
  if (UNSENT.test(text))
    return [
      { field: "content.sms.text", rule: "sms.control", message: "must have no control characters but tabs, line breaks and page breaks" },
    ];
  if (!channels.includes("sms")) return [];
  // Also with media: where a network has no MMS, Twilio sends the text with links to them.
  const { segments, encoding } = smsSegments(sentText(content));
  if (segments <= segmentsMax) return [];
  const message = `makes ${segments} ${encoding} segments; at most ${segmentsMax} are sent`;
  return [{ field: "content.sms.text", rule: "sms.segments", message }];
}

/** No provider has both. */
const flashFaults = ({ flash, mediaUrls }: SmsContent): ContentFault[] =>
  flash && mediaUrls
    ? [{ field: "content.sms.flash", rule: "sms.flash", message: "must be left out with media_urls: no provider has both" }]
    : [];

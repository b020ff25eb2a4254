import type { Content } from "../../core/content/content.ts";
import type { SmsContent } from "../../core/content/sms-content.ts";
import type { FieldSection } from "./page.ts";
import type { FieldRow } from "./row.ts";

/** The senders that the rows name, as TWILIO_SENDERS and VONAGE_SENDERS have them. */
export const ROW_SENDERS = { twilio: `orders=MG${"0123456789abcdef".repeat(2)}`, vonage: "orders=Shop" };

const text = "Your table is ready";
const sms = (over: Partial<SmsContent>): Content => ({ sms: { text, ...over } });
const CHECKED = { not: "checked before acceptance" };
const REGISTERED = { not: "never sent from a number; with a Messaging Service or a name Twilio has them" };

/** Where the fields of an SMS arrive. */
export const SMS_ROWS: readonly FieldRow<"twilio" | "vonage">[] = [
  { field: "text", content: sms({}), arrives: { twilio: { path: "Body", value: text }, vonage: { path: "text", value: text } } },
  {
    field: "sender",
    content: sms({ sender: "orders" }),
    arrives: {
      twilio: { path: "MessagingServiceSid", value: `MG${"0123456789abcdef".repeat(2)}` },
      vonage: { path: "from", value: "Shop" },
    },
  },
  { field: "segments_max", content: sms({ segmentsMax: 1 }), arrives: { twilio: CHECKED, vonage: CHECKED } },
  {
    field: "transliterate",
    content: sms({ text: "\u201cReady\u201d", transliterate: true }),
    arrives: { twilio: { path: "Body", value: '"Ready"' }, vonage: { path: "text", value: '"Ready"' } },
  },
  {
    field: "registered_entity",
    content: sms({ registeredEntity: "1101456324000123456" }),
    arrives: { twilio: REGISTERED, vonage: { path: "entity-id", value: "1101456324000123456" } },
  },
  {
    field: "registered_template",
    content: sms({ registeredTemplate: "1107457532000123456" }),
    arrives: { twilio: REGISTERED, vonage: { path: "content-id", value: "1107457532000123456" } },
  },
  {
    field: "overrides.twilio",
    content: sms({ overrides: { twilio: { ContentRetention: "discard" } } }),
    arrives: { twilio: { path: "ContentRetention", value: "discard" }, vonage: { not: "for Twilio" } },
  },
  {
    field: "overrides.vonage",
    content: sms({ overrides: { vonage: { "account-ref": "shop" } } }),
    arrives: { twilio: { not: "for Vonage" }, vonage: { path: "account-ref", value: "shop" } },
  },
  {
    field: "media_urls",
    content: sms({ mediaUrls: ["https://img.example/menu.jpg"] }),
    arrives: {
      twilio: { path: "MediaUrl", value: "https://img.example/menu.jpg" },
      vonage: { not: "never sent by Vonage, which would drop them" },
    },
  },
  {
    field: "flash",
    content: sms({ flash: true }),
    arrives: { twilio: { not: "never sent by Twilio, which has none" }, vonage: { path: "message-class", value: 0 } },
  },
];

export const SMS_SECTION: FieldSection<"twilio" | "vonage"> = {
  title: "SMS",
  intro: `A text goes to a provider only if that provider can send all of it: media by Twilio alone and not from a name, flash by Vonage alone, regulators' ids by Vonage, and by
Twilio from a Messaging Service or a name, with which Twilio has them. Nothing is added to a text. Overrides
(\`overrides.twilio\`, \`overrides.vonage\`) are merged into the form or the JSON; recipient, sender, text, media, callbacks, ids and lifetimes stay as Carillon sets them. Names that
the provider does not document are refused, because it would ignore them; Twilio's are also read as its SDK for Node spells them (\`maxPrice\`).`,
  providers: [
    ["twilio", "Twilio"],
    ["vonage", "Vonage"],
  ],
  rows: SMS_ROWS,
};

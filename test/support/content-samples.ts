import type { Content } from "../../core/content/content.ts";
import type { Attachment, EmailContent } from "../../core/content/email-content.ts";
import type { JsonObject } from "../../core/content/json.ts";
import type { LiveActivity } from "../../core/content/live-activity.ts";
import type { PushContent } from "../../core/content/push-content.ts";
import type { SmsContent } from "../../core/content/sms-content.ts";

// Contents that use every field and break no rule: what differs from them is what a test is about.

/** Nested, numeric and null; keys that mean something to JavaScript and to MongoDB. */
const dataJson = (): JsonObject => ({
  order: { id: 17, lines: [{ sku: "a", price: 1.5 }, null, true, []], note: null },
  ...Object.fromEntries([["__proto__", { constructor: "x" }]]),
  "a.b": "$c",
});

/** Shown on every platform. */
export const richPush = (over: Partial<PushContent> = {}): PushContent => ({
  title: "Dinner",
  body: "is ready 🍲",
  data: { table: "7" },
  subtitle: "Table 7",
  imageUrl: "https://img.example/dinner.png",
  clickUrl: "https://shop.example/orders/17?tab=1",
  badge: 3,
  sound: "bell.caf",
  interruptionLevel: "time-sensitive",
  actions: [
    { id: "open", title: "Open", iconUrl: "https://img.example/open.png", clickUrl: "shop://orders/17" },
    { id: "later", title: "Later" },
  ],
  thread: "orders",
  actionCategory: "ORDER",
  mutable: true,
  androidChannel: "orders",
  icon: "https://img.example/icon.png",
  relevanceScore: 0.5,
  overrides: {
    apns: { aps: { "target-content-id": "window" } },
    apnsHeaders: { "apns-priority": "5" },
    fcm: { android: { notification: { ticker: "Dinner", sound: null } } },
    webpush: { notification: { renotify: true } },
  },
  dataJson: dataJson(),
  dir: "ltr",
  lang: "en-GB",
  ...over,
});

/** Shown in texts that the application has. */
export function localizedPush(over: Partial<PushContent> = {}): PushContent {
  const { subtitle: _, ...others } = richPush({ title: "", body: "" });
  return {
    ...others,
    titleLocalized: { key: "DINNER_TITLE", args: [] },
    bodyLocalized: { key: "DINNER_BODY", args: ["7", "8 pm"] },
    subtitleLocalized: { key: "TABLE", args: ["7"] },
    ...over,
  };
}

/** Wakes the application and shows nothing. */
export const backgroundPush = (over: Partial<PushContent> = {}): PushContent => ({
  ...{ title: "", body: "", data: { table: "7" }, background: true, dataJson: dataJson() },
  overrides: { apns: { aps: { "content-available": 1 } } },
  ...over,
});

/** Every field of a Live Activity, also those that exclude each other. */
export const startActivity = (): LiveActivity => ({
  ...{
    event: "start",
    contentState: { eta: 12, gate: null },
    attributesType: "FlightAttributes",
    attributes: { flight: { number: "CR 12" } },
  },
  ...{ staleDate: 1_790_000_600_000, dismissalDate: 1_600_000_000_000, timestamp: 1_790_000_000_000, relevanceScore: 75 },
});

/** To one phone; flash is left out, because no provider has it together with media. */
export const richSms = (over: Partial<SmsContent> = {}): SmsContent => ({
  text: "Your table is ready",
  sender: "restaurant",
  segmentsMax: 2,
  transliterate: true,
  registeredEntity: "1101234567890123456",
  registeredTemplate: "1107161234567890123",
  overrides: { twilio: { MaxPrice: 0.5 }, vonage: { "account-ref": "shop", "trusted-recipient": null } },
  mediaUrls: ["https://img.example/menu.jpg"],
  ...over,
});

export const PNG = Buffer.from("89504e470d0a1a0a", "hex");
/** A file, and a picture that the html shows. */
export const sampleAttachments = (): Attachment[] => [
  { filename: "Rechnung für März.pdf", contentType: "application/pdf", base64: Buffer.from("%PDF-1.7\n").toString("base64") },
  { filename: "logo.png", contentType: "image/png", base64: PNG.toString("base64"), contentId: "logo@shop" },
];

export const SAMPLE_ICS = [
  "BEGIN:VCALENDAR",
  "VERSION:2.0",
  "PRODID:-//Shop//EN",
  "METHOD:REQUEST",
  "BEGIN:VEVENT",
  "UID:order-17@shop.example",
  "DTSTAMP:20261123T120000Z",
  "DTSTART:20261124T190000Z",
  "DTEND:20261124T210000Z",
  "SUMMARY:Dinner",
  "END:VEVENT",
  "END:VCALENDAR",
  "",
].join("\r\n");

export const richEmail = (over: Partial<EmailContent> = {}): EmailContent => ({
  subject: "Your receipt",
  html: '<p>Thank you <img src="cid:logo@shop"></p>',
  text: "Thank you",
  from: { address: "orders@shop.example", name: "Shop, Orders" },
  replyTo: [{ address: "help@shop.example", name: "Jürgen" }, { address: "orders@shop.example" }],
  cc: [{ address: "bob@example.org", name: "Bob" }],
  bcc: [{ address: "archive@shop.example" }],
  headers: { References: "<1@shop.example> <2@shop.example>", "In-Reply-To": "<2@shop.example>", "X-Order": "17" },
  attachments: sampleAttachments(),
  preheader: "Dinner for two, 42 €",
  overrides: { sendgrid: { ip_pool_name: "receipts" }, mandrill: { message: { important: true, subaccount: null } } },
  tags: ["receipt", "dinner for two"],
  calendar: { method: "REQUEST", ics: SAMPLE_ICS },
  unsubscribe: "one-click",
  ...over,
});

/** Every field of every kind that one content can have. */
export const richContent = (): Content => ({ push: richPush(), sms: richSms(), email: richEmail() });

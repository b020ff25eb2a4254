import type { InboxChannel, Summary } from "../view.ts";

export const DEVICE_NAMES: Readonly<Record<Summary["device"], string>> = {
  ios: "iOS push",
  android: "Android push",
  browser: "Browser push",
  phone: "SMS",
  mailbox: "E-mail",
};

/** As people call them, on the page and in the texts that the server writes for it. */
const PROVIDERS: Readonly<Record<string, string>> = {
  ...{ apns: "APNs", fcm: "FCM", webpush: "Web Push", twilio: "Twilio", vonage: "Vonage" },
  ...{ sendgrid: "SendGrid", mandrill: "Mandrill", smtp: "SMTP" },
};
export const providerName = (name: string): string => PROVIDERS[name] ?? name;

const KIND_WORDS = {
  silent: "Silent push: the app gets it, and shows nothing by itself",
  call: "VoIP push: the phone rings",
  "live-activity": "Live Activity: the lock screen changes",
} as const;

export const pushWords = (kind: keyof typeof KIND_WORDS): string => KIND_WORDS[kind];

/** What stands for a message in a heading. */
export function headingOf({ channel, title, body, push, device }: Pick<Summary, "channel" | "title" | "body" | "push" | "device">): string {
  if (title !== "") return title;
  if (channel === "email") return "Mail without a subject";
  if (push !== undefined && push.kind !== "alert") return pushWords(push.kind).split(":")[0] ?? "";
  return body.length > HEADING_CHARACTERS ? `${body.slice(0, HEADING_CHARACTERS)}…` : body || DEVICE_NAMES[device];
}
const HEADING_CHARACTERS = 60;

export const CHANNEL_NAMES: Readonly<Record<InboxChannel, string>> = { push: "push", sms: "text", email: "mail" };

import { type Content, contentToProto } from "../../core/content/content.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { toEndpoint } from "../../test/e2e/calls.ts";
import { pushNotification, TAG_FIELD } from "../notification-bytes.ts";
import { NUMBER_DIGITS, numberedText } from "./numbered.ts";

/** Of web pushes: where they go, and whose they are. */
export interface Subscription {
  origin: string;
  p256dh: string;
  auth: string;
}

/** 2 kB, as a plain mail has. */
const HTML = `<p>${"Your order is on its way. ".repeat(80)}</p>`;
const MAIL = { html: HTML, text: "Your order is on its way." };

function endpointOf(channel: Channel, n: number, { origin, p256dh, auth }: Subscription): Endpoint {
  const digits = String(n);
  switch (channel) {
    case "apns":
      return { channel, token: digits.padStart(64, "a") };
    case "fcm":
      return { channel, token: digits.padStart(160, "a") };
    case "webpush":
      return { channel, pushUrl: `${origin}/wpush/v2/${digits.padStart(180, "g")}`, p256dh, auth };
    case "sms":
      return { channel, phoneNumber: `+4915${String(n % 1e9).padStart(9, "0")}` };
    case "email":
      return { channel, address: `ada-${digits}@example.com` };
  }
}

/** The notification with this number: to a device, number or address of its own. */
export function notificationOf(channel: Channel, n: number, subscription: Subscription): Notification {
  return {
    ...pushNotification(n),
    recipient: toEndpoint(endpointOf(channel, n, subscription)),
    content: contentToProto(contentOf(channel, n)),
  };
}

/** Each names its number, so that the stub of the provider knows which one has arrived. */
function contentOf(channel: Channel, n: number): Content {
  if (channel === "sms") return { sms: { text: numberedText(n) } };
  if (channel === "email") return { email: { ...MAIL, subject: numberedText(n) } };
  return {
    push: {
      title: "Your order",
      body: "It is on its way and arrives today.",
      data: { [TAG_FIELD]: String(n).padStart(NUMBER_DIGITS, "0") },
    },
  };
}

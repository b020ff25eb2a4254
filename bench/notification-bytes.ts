import { contentToProto } from "../core/content/content.ts";
import {
  BatchSendNotificationsRequest,
  type Notification,
  NotificationClass,
  SendNotificationRequest,
} from "../gen/carillon/v1/notification_service.ts";
import { toEndpoint } from "../test/e2e/calls.ts";

/** Digits that make a request unique, in its key and in its device token. */
const DIGITS = 16;
const TRANSACTIONAL = NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL;
const PLACE = "9".repeat(DIGITS);

/** The field of a push's data whose digits tell which notification it is of. */
export const TAG_FIELD = "order";

/** What a request may have beside a key and a device. */
export interface Extras {
  /** ms since the epoch. */
  sendAt?: number;
  /** The push itself holds the digits, so that a stub knows which notification has arrived. */
  isTagged?: boolean;
}

/** A push to one device; each n has a different key and device. */
export function pushNotification(n: number | string, notificationClass: NotificationClass = TRANSACTIONAL): Notification {
  const digits = String(n).padStart(DIGITS, "0");
  return {
    idempotencyKey: `bench-${digits}`,
    recipient: toEndpoint({ channel: "apns", token: digits.padStart(64, "a") }),
    channels: [],
    notificationClass,
    category: "orders",
    content: contentToProto({
      push: { title: "Your order", body: "It is on its way and arrives today.", data: { [TAG_FIELD]: "1017" } },
    }),
    priority: 0,
    collapseKey: "",
    tags: {},
    cancelKey: "",
    sendAt: undefined,
    expiresAt: undefined,
  };
}

/**
 * Encoded requests, each with notifications never sent before. They are encoded once and only their digits are replaced: encoding costs
 * more than sending does.
 * @param batch notifications of one batch call; 0: a unary call
 */
export function createRequests(batch: number, first: number, notificationClass?: NotificationClass, extras: Extras = {}): () => Buffer {
  const { sendAt, isTagged = false } = extras;
  const template = pushNotification(PLACE, notificationClass);
  if (isTagged) template.content!.push!.data = { [TAG_FIELD]: PLACE };
  if (sendAt !== undefined) template.sendAt = new Date(sendAt);
  const bytes = Buffer.from(
    batch === 0
      ? SendNotificationRequest.encode({ notification: template, validateOnly: false }).finish()
      : BatchSendNotificationsRequest.encode({ notifications: Array.from({ length: batch }, () => template) }).finish(),
  );
  const places: number[] = [];
  for (let at = bytes.indexOf(PLACE); at >= 0; at = bytes.indexOf(PLACE, at + DIGITS)) places.push(at);
  const placesEach = isTagged ? 3 : 2;
  let n = first;
  return () => {
    for (let i = 0; i < places.length; i += placesEach) {
      const digits = String(n++).padStart(DIGITS, "0");
      for (let k = 0; k < placesEach; k++) bytes.write(digits, places[i + k]!, "latin1");
    }
    return bytes;
  };
}

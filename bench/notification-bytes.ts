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

/** A push to one device; each n has a different key and device. */
export function pushNotification(n: number | string, notificationClass: NotificationClass = TRANSACTIONAL): Notification {
  const digits = String(n).padStart(DIGITS, "0");
  return {
    idempotencyKey: `bench-${digits}`,
    recipient: toEndpoint({ channel: "apns", token: digits.padStart(64, "a") }),
    channels: [],
    notificationClass,
    category: "orders",
    content: {
      push: { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } },
      sms: undefined,
      email: undefined,
    },
    priority: 0,
    collapseKey: "",
    sendAt: undefined,
    expiresAt: undefined,
  };
}

/**
 * Encoded requests, each with notifications never sent before. They are encoded once and only their digits are replaced: encoding costs
 * more than sending does.
 * @param batch notifications of one batch call; 0: a unary call
 */
export function createRequests(batch: number, first: number, notificationClass?: NotificationClass): () => Buffer {
  const template = pushNotification(PLACE, notificationClass);
  const bytes = Buffer.from(
    batch === 0
      ? SendNotificationRequest.encode({ notification: template }).finish()
      : BatchSendNotificationsRequest.encode({ notifications: Array.from({ length: batch }, () => template) }).finish(),
  );
  const places: number[] = [];
  for (let at = bytes.indexOf(PLACE); at >= 0; at = bytes.indexOf(PLACE, at + DIGITS)) places.push(at);
  let n = first;
  return () => {
    for (let i = 0; i < places.length; i += 2) {
      const digits = String(n++).padStart(DIGITS, "0");
      bytes.write(digits, places[i]!, "latin1");
      bytes.write(digits, places[i + 1]!, "latin1");
    }
    return bytes;
  };
}

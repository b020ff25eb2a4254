import type { NotificationRecord } from "../core/delivery/notification.ts";
import { storedNotification } from "./stored-notification.ts";

const PUSH = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };

/** A push over FCM, due at this moment (ms since the epoch); each n is another notification to another device. */
export const duePush = (n: number, dueAt: number): NotificationRecord =>
  storedNotification({ channel: "fcm", token: String(n).padStart(64, "a") }, { key: `due-${n}`, now: dueAt, push: PUSH });

import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { readNotification, type StoredNotification } from "../store/stored.ts";

/** Reads a row of the table `notifications` that has at least the column `doc`. */
export const notificationOf = ({ doc }: Record<string, unknown>): NotificationRecord =>
  readNotification(JSON.parse(String(doc)) as StoredNotification);

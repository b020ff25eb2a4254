import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";

/** Leases up to `limit` of what is due, key by key. */
export async function leaseDue(
  notifications: Pick<NotificationStore, "dueKeys" | "leaseDue">,
  now: number,
  until: number,
  limit: number,
): Promise<NotificationRecord[]> {
  const leased: NotificationRecord[] = [];
  for (const key of await notifications.dueKeys(now))
    leased.push(...(await notifications.leaseDue(now, until, [{ key, limit: limit - leased.length }])));
  return leased;
}

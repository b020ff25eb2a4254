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
  // One lease may be of a part of what is due under the key.
  for (const key of await notifications.dueKeys(now))
    for (let found = 1; found > 0; ) {
      const records = await notifications.leaseDue(now, until, [{ key, limit: limit - leased.length }]);
      leased.push(...records);
      found = records.length;
    }
  return leased;
}

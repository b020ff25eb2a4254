import type { DatabaseSync } from "node:sqlite";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";
import { asStoreError, transact } from "./transact.ts";

export function createOutbox(
  database: DatabaseSync,
  parse: (row: Record<string, unknown>) => NotificationRecord,
): Pick<NotificationStore, "dueKeys" | "leaseDue" | "dueUnder"> {
  // From each key straight to the next one, however many notifications are under it.
  const dueKeys = database.prepare(`
    with recursive keys(key) as (
      select min(outbox_key) from notifications where due is not null
      union all
      select (select min(outbox_key) from notifications where due is not null and outbox_key > key) from keys where key is not null
    )
    select key from keys where exists (select 1 from notifications where outbox_key = key and due <= ?)`);
  const oldestOf = database.prepare("select rowid from notifications where outbox_key = ? and due <= ? order by due limit ?");
  const later = database.prepare(`
    select rowid from notifications indexed by notifications_later
    where class = :class and later_due <= :now and due is not null and due <= :now order by later_due limit :limit`);
  const lease = database.prepare("update notifications set due = ? where rowid = ? returning doc");
  const firstDue = database.prepare("select min(due) as due from notifications where outbox_key = ? and due <= ?");
  const count = database.prepare("select count(*) as count from (select 1 from notifications where outbox_key = ? and due <= ? limit ?)");

  return {
    dueKeys: async (now) => asStoreError(() => dueKeys.all(now).map(({ key }) => String(key))),

    async leaseDue(now, until, takes) {
      const leased = await transact(database, () =>
        takes.flatMap((take) => {
          // A negative limit would be none.
          const limit = Math.max(0, take.limit);
          const rows = "key" in take ? oldestOf.all(take.key, now, limit) : later.all({ class: take.later, now, limit });
          return rows.map(({ rowid }) => lease.get(until, Number(rowid))!);
        }),
      );
      return leased.map(parse);
    },

    dueUnder: async (key, now, limit) =>
      asStoreError(() => {
        const due = firstDue.get(key, now)?.due;
        return { oldest: typeof due === "number" ? due : undefined, count: Number(count.get(key, now, Math.max(0, limit))?.count) };
      }),
  };
}

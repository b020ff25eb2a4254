import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { NotificationStore } from "../../core/ports/notification-store.ts";
import { notificationOf } from "./notification-of.ts";
import { readToDecide } from "./transact.ts";
import type { Writes } from "./writes.ts";

/** Open notifications read in one page: a few ms of the event loop. */
const PAGE_ROWS = 200;

export function createOutbox(
  database: DatabaseSync,
  writes: Pick<Writes, "lease">,
): Pick<NotificationStore, "dueKeys" | "leaseDue" | "dueUnder" | "open"> {
  // From each key straight to the next one, however many notifications are under it.
  const dueKeys = database.prepare(`
    with recursive keys(key) as (
      select min(outbox_key) from notifications where due is not null
      union all
      select (select min(outbox_key) from notifications where due is not null and outbox_key > key) from keys where key is not null
    )
    select key from keys where exists (select 1 from notifications where outbox_key = key and due <= ?)`);
  const firstDue = database.prepare("select min(due) as due from notifications where outbox_key = ? and due <= ?");
  const count = database.prepare("select count(*) as count from (select 1 from notifications where outbox_key = ? and due <= ? limit ?)");

  const openOf = database.prepare(`
    select later_due, due, rowid as row, doc from notifications
    where class = :class and due is not null and (later_due, due, rowid) > (:laterDue, :due, :row) order by later_due, due, rowid limit :limit`);

  return {
    dueKeys: async (now) => readToDecide(() => dueKeys.all(now).map(({ key }) => String(key))),

    leaseDue: async (now, until, takes) => (await writes.lease(now, until, takes)).map((doc) => notificationOf({ doc })),

    dueUnder: async (key, now, limit) =>
      readToDecide(() => {
        const due = firstDue.get(key, now)?.due;
        return { oldest: typeof due === "number" ? due : undefined, count: Number(count.get(key, now, Math.max(0, limit))?.count) };
      }),

    async *open(notificationClass) {
      // Before every row. What the reader changes meanwhile moves to an earlier place, which was read already.
      let after = { laterDue: -1, due: -1, row: -1 };
      for (;;) {
        const rows = await readToDecide(() => openOf.all({ ...after, class: notificationClass, limit: PAGE_ROWS }));
        for (const row of rows) yield notificationOf(row);
        const last = rows.at(-1);
        if (!last || rows.length < PAGE_ROWS) return;
        after = { laterDue: Number(last.later_due), due: Number(last.due), row: Number(last.row) };
        await nextTurn();
      }
    },
  };
}

import type { DatabaseSync } from "node:sqlite";
import type { Channel } from "../../core/delivery/channel.ts";
import { type DeliveryState, isOpen } from "../../core/delivery/notification.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import type { DeliveryCount, InsertResult, NotificationStore } from "../../core/ports/notification-store.ts";
import { readFailed } from "../store/failures.ts";
import { createDeliveryCounts } from "../store/stored.ts";
import { notificationOf } from "./notification-of.ts";
import { createOpenOf } from "./open-of.ts";
import { createOutbox } from "./outbox.ts";
import { recipientValues } from "./recipient-key.ts";
import { referenceRows } from "./references.ts";
import { createSearchReads } from "./search.ts";
import { tagRows } from "./tags.ts";
import { readDurable, readToDecide } from "./transact.ts";
import { notificationRow, type Writes } from "./writes.ts";

/**
 * One call at a time: a second one waits for the file's only write lock, together with whatever another app wants to insert next. Smaller calls let others in
 * sooner, and cost more: of 16, a gateway took 340 us a unary call instead of 200. Measured with pushes, whose contents are in the notification.
 */
const INSERTING = { itemsMax: 64, concurrency: 1 };

/** Notifications read in one go: 1 ms of work, during which nothing else runs in the process. */
const OPEN_ROWS = 200;

/** @param above rows of deliveries of the next `limit` notifications above this place in the order of (due, row) */
async function* readOpen(
  limit: number,
  above: (due: number, row: number, limit: number) => Promise<Record<string, unknown>[]>,
): AsyncGenerator<DeliveryCount[]> {
  let [due, row] = [Number.MIN_SAFE_INTEGER, 0];
  for (let left = limit; left > 0; left -= OPEN_ROWS) {
    const rows = await above(due, row, Math.min(left, OPEN_ROWS));
    const last = rows.at(-1);
    if (!last) return;
    yield openCountsOf(rows);
    [due, row] = [Number(last.due), Number(last.row)];
  }
}

function openCountsOf(rows: readonly Record<string, unknown>[]): DeliveryCount[] {
  const counts = createDeliveryCounts();
  for (const { channel, state, reason, sendAt } of rows) {
    if (!isOpen(state as DeliveryState)) continue;
    counts.add(channel as Channel, state as DeliveryState, readReason(reason), 1, Number(sendAt));
  }
  return counts.all();
}

/** The reason as it is stored now, or as text by an earlier version. */
const readReason = (stored: unknown) => (stored === null ? undefined : (JSON.parse(String(stored)) as Reason | string));

export function createNotificationStore(database: DatabaseSync, writes: Writes): NotificationStore {
  const findOne = database.prepare("select doc from notifications where id = ?");
  const page = database.prepare("select doc from notifications where id > ? order by id limit ?");
  const ofRecipient = database.prepare(`
    select doc from notifications indexed by notifications_to_recipient where recipient_crc = :crc and app = :app and recipient = :recipient and (accepted_at, id) > (:acceptedAt, :id)
    order by accepted_at, id limit :limit`);
  const failedAbove = database.prepare(`
    select failed_at, doc from notifications where failed_at >= :at and (failed_at, id) > (:at, :id) order by failed_at, id limit :limit`);
  const countAll = database.prepare("select count(*) as count from notifications");
  const countDeliveries = database.prepare(`
    select d.value ->> 'channel' as channel, d.value ->> 'state' as state, d.value -> 'reason' as reason, count(*) as count
    from notifications, json_each(doc, '$.deliveries') d group by 1, 2, 3`);
  // In two parts, because SQLite seeks to a row among many that are due at the same moment only where `due` is given exactly.
  const openAfter = database.prepare(`
    select opened.row, opened.due, opened.doc ->> '$.sendAt' as sendAt, d.value ->> 'channel' as channel, d.value ->> 'state' as state, d.value -> 'reason' as reason
    from (
      select * from (select rowid as row, due, doc from notifications where due = :due and rowid > :row order by rowid limit :limit)
      union all
      select * from (select rowid as row, due, doc from notifications where due > :due order by due, rowid limit :limit)
      limit :limit
    ) opened, json_each(opened.doc, '$.deliveries') d`);
  const countOpen = database.prepare("select count(*) as count from (select 1 from notifications where due <= ? limit ?)");
  const countOpenOfApp = database.prepare(
    "select count(*) as count from (select 1 from notifications where app = ? and due between ? and ? limit ?)",
  );

  return {
    inserting: INSERTING,
    ...createOutbox(database, writes),

    async insert(records) {
      const existing = await writes.insert(records.map(notificationRow), records.flatMap(referenceRows), records.flatMap(tagRows));
      return existing.map(
        (doc): InsertResult => (doc === undefined ? { kind: "inserted" } : { kind: "exists", record: notificationOf({ doc }) }),
      );
    },

    find: async (id) =>
      readDurable(database, () => {
        const row = findOne.get(id);
        return row && notificationOf(row);
      }),

    change: writes.change,

    count: async () =>
      readDurable(database, () => {
        const counts = createDeliveryCounts();
        for (const { channel, state, reason, count } of countDeliveries.all()) {
          counts.add(channel as Channel, state as DeliveryState, readReason(reason), Number(count));
        }
        return { notifications: Number(countAll.get()?.count), deliveries: counts.all() };
      }),

    openCounts: (limit) => readOpen(limit, (due, row, many) => readToDecide(() => openAfter.all({ due, row, limit: many }))),

    // A negative limit would be none.
    page: async (after, limit) => readDurable(database, () => page.all(after, Math.max(0, limit)).map(notificationOf)),

    ofRecipient: async (app, recipient, after, limit) =>
      readDurable(database, () => {
        const { acceptedAt, id } = after;
        return ofRecipient
          .all({ ...{ app, acceptedAt, id, limit: Math.max(0, limit) }, ...recipientValues(app, recipient) })
          .map(notificationOf);
      }),

    ...createOpenOf(database),
    ...createSearchReads(database),

    failed: (from, to) =>
      readFailed(
        async (at, id, limit) =>
          readDurable(database, () =>
            failedAbove.all({ at, id, limit }).map((row) => ({ failedAt: Number(row.failed_at), record: notificationOf(row) })),
          ),
        from,
        to,
      ),

    openCount: async (limit, dueUntil = Number.MAX_SAFE_INTEGER) => readToDecide(() => Number(countOpen.get(dueUntil, limit)?.count)),

    openCountOf: async (app, { from, until }, limit) =>
      readToDecide(() => Number(countOpenOfApp.get(app, from, until, Math.max(0, limit))?.count)),
  };
}

import type { DatabaseSync } from "node:sqlite";
import type { Channel } from "../../core/delivery/channel.ts";
import { type Delivery, type DeliveryState, dueAt, endedAt, type NotificationRecord } from "../../core/delivery/notification.ts";
import { outboxPlace } from "../../core/delivery/outbox-key.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import type { DeliveryChange, InsertResult, NotificationStore } from "../../core/ports/notification-store.ts";
import { failedAt, readFailed } from "../store/failures.ts";
import { createDeliveryCounts, readNotification, type StoredNotification } from "../store/stored.ts";
import { createOutbox } from "./outbox.ts";
import { asStoreError, transact } from "./transact.ts";

/**
 * One call at a time, because a second one would only wait for the file's only write lock, together with whatever another app wants to insert next. Smaller
 * calls let others in sooner, and cost more: of 16, a gateway took 340 us a unary call instead of 200.
 */
const INSERTING = { itemsMax: 64, concurrency: 1 };

const parse = (row: Record<string, unknown>) => readNotification(JSON.parse(String(row.doc)) as StoredNotification);

/** `changeNow` is change() within a transaction of the caller. */
export function createNotificationStore(database: DatabaseSync): {
  store: NotificationStore;
  changeNow(changes: readonly DeliveryChange[]): boolean[];
} {
  const insertOne = database.prepare(
    "insert into notifications (id, app, class, due, outbox_key, later_due, ended_at, failed_at, doc) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
  );
  const findOne = database.prepare("select doc from notifications where id = ?");
  const page = database.prepare("select doc from notifications where id > ? order by id limit ?");
  const failedAbove = database.prepare(`
    select failed_at, doc from notifications where failed_at >= :at and (failed_at, id) > (:at, :id) order by failed_at, id limit :limit`);
  const replace = database.prepare(`
    update notifications set due = :due, outbox_key = :key, later_due = :laterDue, ended_at = :endedAt,
      failed_at = max(:failedAt, coalesce(failed_at, :failedAt)), doc = :doc
    where id = :id`);
  const countAll = database.prepare("select count(*) as count from notifications");
  const countDeliveries = database.prepare(`
    select d.value ->> 'channel' as channel, d.value ->> 'state' as state, d.value -> 'reason' as reason, count(*) as count
    from notifications, json_each(doc, '$.deliveries') d group by 1, 2, 3`);
  const countOpen = database.prepare("select count(*) as count from (select 1 from notifications where due <= ? limit ?)");
  const countOpenOf = database.prepare(
    "select count(*) as count from (select 1 from notifications where app = ? and due between ? and ? limit ?)",
  );

  const find = (id: string) => {
    const row = findOne.get(id);
    return row && parse(row);
  };

  const changeNow = (changes: readonly DeliveryChange[]): boolean[] => {
    const records = new Map<string, NotificationRecord>();
    const touched = new Set<NotificationRecord>();
    const applied = changes.map((change) => {
      const record = records.get(change.notificationId) ?? find(change.notificationId);
      if (!record) return false;
      records.set(record.id, record);
      const changed = applyTo(record, change);
      if (changed) touched.add(record);
      return changed;
    });
    for (const record of touched) {
      const { id, deliveries } = record;
      const moments = { due: dueAt(deliveries) ?? null, endedAt: endedAt(record) ?? null, failedAt: failedAt(deliveries) ?? null };
      const place = outboxPlace(record);
      replace.run({ id, ...moments, key: place?.key ?? null, laterDue: place?.laterDue ?? null, doc: JSON.stringify(record) });
    }
    return applied;
  };

  const store: NotificationStore = {
    inserting: INSERTING,
    ...createOutbox(database, parse),

    async insert(records) {
      // Before the transaction, during which every other writer waits.
      const rows = records.map(rowOf);
      return transact(database, () =>
        rows.map((row): InsertResult => {
          if (insertOne.run(...row).changes === 1) return { kind: "inserted" };
          return { kind: "exists", record: find(row[0])! };
        }),
      );
    },

    find: async (id) => asStoreError(() => find(id)),

    change: async (changes) => transact(database, () => changeNow(changes)),

    count: async () =>
      asStoreError(() => {
        const counts = createDeliveryCounts();
        for (const { channel, state, reason, count } of countDeliveries.all()) {
          const stored = reason === null ? undefined : (JSON.parse(String(reason)) as Reason | string);
          counts.add(channel as Channel, state as DeliveryState, stored, Number(count));
        }
        return { notifications: Number(countAll.get()?.count), deliveries: counts.all() };
      }),

    // A negative limit would be none.
    page: async (after, limit) => asStoreError(() => page.all(after, Math.max(0, limit)).map(parse)),

    failed: (from, to) =>
      readFailed(
        async (at, id, limit) =>
          asStoreError(() => failedAbove.all({ at, id, limit }).map((row) => ({ failedAt: Number(row.failed_at), record: parse(row) }))),
        from,
        to,
      ),

    openCount: async (limit, dueUntil = Number.MAX_SAFE_INTEGER) => asStoreError(() => Number(countOpen.get(dueUntil, limit)?.count)),

    openCountOf: async (app, { from, until }, limit) =>
      asStoreError(() => Number(countOpenOf.get(app, from, until, Math.max(0, limit))?.count)),
  };
  return { store, changeNow };
}

/** In the order of the columns. */
function rowOf(record: NotificationRecord) {
  const { id, app, notificationClass, deliveries } = record;
  const [due, place] = [dueAt(deliveries) ?? null, outboxPlace(record)];
  const places = [due, place?.key ?? null, place?.laterDue ?? null] as const;
  return [id, app, notificationClass, ...places, endedAt(record) ?? null, failedAt(deliveries) ?? null, JSON.stringify(record)] as const;
}

/** Whether the delivery was where the change expects it; then it is changed in place. */
function applyTo(record: NotificationRecord, { deliveryId, expect, set }: DeliveryChange): boolean {
  const delivery = record.deliveries.find((d) => d.id === deliveryId);
  if (!delivery || delivery.attempt !== expect.attempt || !expect.states.includes(delivery.state)) return false;
  if (expect.publishCounts?.includes(delivery.publishCount) === false) return false;
  if (expect.nextAt !== undefined && expect.nextAt !== delivery.nextAt) return false;
  // Undefined values go away as JSON is made.
  Object.assign(delivery, set satisfies Partial<Delivery>);
  return true;
}

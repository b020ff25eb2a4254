import type { DatabaseSync } from "node:sqlite";
import { opens } from "../../core/delivery/content-deletion.ts";
import { type Delivery, dueAt, endedAt, type NotificationRecord } from "../../core/delivery/notification.ts";
import { outboxPlace } from "../../core/delivery/outbox-key.ts";
import type { AttemptRecord, AttemptResult, AttemptStore } from "../../core/ports/attempt-store.ts";
import { type ContactRecord, type ContactStore, hasOneUser } from "../../core/ports/contact-store.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import type { DeliveryChange, Take } from "../../core/ports/notification-store.ts";
import { failedAt } from "../store/failures.ts";
import { type BlobWrites, createBlobWrites } from "./blobs.ts";
import { type CapWrites, createCapWrites } from "./caps.ts";
import { createEraseWrites, type EraseWrites } from "./erase.ts";
import { notificationOf } from "./notification-of.ts";
import { createPurgeWrites, type PurgeWrites } from "./purge.ts";
import { recipientValues } from "./recipient-key.ts";
import { createReferences, type ReferenceRow } from "./references.ts";
import { createTags, type TagRow } from "./tags.ts";
import { transact } from "./transact.ts";

/** A notification in the order of the columns: id, app, class, recipient, recipient_crc, due, outbox_key, later_due, ended_at, failed_at, accepted_at, cancel_key, doc. */
export type NotificationRow = ReturnType<typeof notificationRow>;
/** An attempt likewise: id, worker, answered, doc. */
export type AttemptRow = ReturnType<typeof attemptRow>;

/**
 * What the roles write, each call one transaction. Arguments and results are plain data, so that a thread of its own may make the writes (writer-thread.ts): all of
 * them, because two connections of one process would take the write lock from each other. What operators and the preferences service write is not among them.
 */
export interface Writes extends BlobWrites, CapWrites, PurgeWrites, EraseWrites {
  /**
   * For each the document that was there; undefined: it was inserted.
   * @param references what they refer to; absent: nothing
   * @param tags what they are tagged with; absent: nothing
   */
  insert(rows: readonly NotificationRow[], references?: readonly ReferenceRow[], tags?: readonly TagRow[]): Promise<(string | undefined)[]>;
  change(changes: readonly DeliveryChange[]): Promise<boolean[]>;
  /** The documents of what was leased. */
  lease(now: number, until: number, takes: readonly Take[]): Promise<string[]>;
  claim(rows: readonly AttemptRow[]): Promise<boolean[]>;
  record(results: readonly AttemptResult[]): Promise<boolean[]>;
  settle(ends: readonly { result: AttemptResult; change: DeliveryChange }[]): Promise<{ recorded: boolean; changed: boolean }[]>;
  resolve: AttemptStore["resolve"];
  attribute: AttemptStore["attribute"];
  put: ContentStore["put"];
  register: ContactStore["register"];
  remove: ContactStore["remove"];
  removeGone: ContactStore["removeGone"];
}

/** Converts a record before the transaction, because every other writer waits during it. */
export function notificationRow(record: NotificationRecord) {
  const { id, app, notificationClass, deliveries, acceptedAt, cancelKey = null } = record;
  const { recipient, crc } = recipientValues(app, record.recipient);
  const [due, place] = [dueAt(deliveries) ?? null, outboxPlace(record)];
  const places = [due, place?.key ?? null, place?.laterDue ?? null] as const;
  const moments = [endedAt(record) ?? null, failedAt(deliveries) ?? null] as const;
  return [id, app, notificationClass, recipient, crc, ...places, ...moments, acceptedAt, cancelKey, JSON.stringify(record)] as const;
}

export const attemptRow = (attempt: AttemptRecord) =>
  [attempt.id, attempt.worker, attempt.outcome === undefined ? 0 : 1, JSON.stringify(attempt)] as const;

export function createWrites(database: DatabaseSync): Writes {
  const insertNotification = database.prepare(
    "insert into notifications (id, app, class, recipient, recipient_crc, due, outbox_key, later_due, ended_at, failed_at, accepted_at, cancel_key, doc) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
  );
  const findNotification = database.prepare("select doc from notifications where id = ?");
  const replace = database.prepare(`
    update notifications set due = :due, outbox_key = :key, later_due = :laterDue, ended_at = :endedAt,
      failed_at = max(:failedAt, coalesce(failed_at, :failedAt)), doc = :doc
    where id = :id`);
  const oldestOf = database.prepare("select rowid, doc from notifications where outbox_key = ? and due <= ? order by due limit ?");
  const later = database.prepare(`
    select rowid, doc from notifications indexed by notifications_later
    where class = :class and later_due <= :now and due is not null and due <= :now order by later_due limit :limit`);
  const lease = database.prepare("update notifications set due = ? where rowid = ?");
  const insertAttempt = database.prepare("insert into attempts (id, worker, answered, doc) values (?, ?, ?, ?) on conflict do nothing");
  const answer = database.prepare(`
    update attempts set answered = 1, doc = json_set(doc, '$.outcome', json(:outcome), '$.answeredAt', :answeredAt)
    where id = :id and answered = 0 and worker = coalesce(:worker, worker)`);

  const addResolution = database.prepare(`
    update attempts set doc = json_set(doc, '$.resolution', json(:resolution))
    where id = :id and doc ->> '$.resolution' is null and coalesce(doc ->> '$.outcome.kind', 'unanswered') = 'unanswered'`);
  const give = database.prepare("insert into attributions (reference, attempt) values (?, ?) on conflict do nothing");
  const giveInstead = database.prepare("update attributions set attempt = ? where reference = ? and attempt = ?");
  const givenTo = database.prepare("select attempt from attributions where reference = ?");
  const holders = database.prepare(`
    select id from attempts where answered_reference = :reference
    union all select id from attempts where resolved_reference = :reference`);
  const putContent = database.prepare(`
    insert into contents (app, hash, keep_until, doc) values (?, ?, ?, ?)
    on conflict (app, hash) do update set keep_until = excluded.keep_until where excluded.keep_until > keep_until`);
  const putContact = database.prepare(
    "insert or replace into contacts (app, endpoint_id, user_id, registered_at, doc) values (?, ?, ?, ?, ?)",
  );
  const anyContact = database.prepare("select doc from contacts where app = ? and endpoint_id = ? limit 1");
  const ownContact = database.prepare("select doc from contacts where app = ? and endpoint_id = ? and user_id = ?");
  const takeContact = database.prepare("delete from contacts where app = ? and endpoint_id = ? and user_id <> ?");
  const removeContact = database.prepare("delete from contacts where app = ? and endpoint_id = ? and user_id = ? and registered_at <= ?");
  const removeGone = database.prepare(`
    delete from contacts where app = ? and endpoint_id = ? and (registered_at <= ? or doc ->> '$.goneReportedAt' < ?)`);
  const keepReport = database.prepare(`
    update contacts set doc = json_set(doc, '$.goneReportedAt', ?)
    where app = ? and endpoint_id = ? and registered_at < ? and doc ->> '$.goneReportedAt' is null`);

  const references = createReferences(database);
  const tags = createTags(database);
  const docOf = (id: string) => String(findNotification.get(id)?.doc ?? "");
  const find = (id: string): NotificationRecord | undefined => {
    const row = findNotification.get(id);
    return row && notificationOf(row);
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

  const recordNow = (results: readonly AttemptResult[]) =>
    results.map(
      ({ id, worker, outcome, answeredAt }) =>
        answer.run({ outcome: JSON.stringify(outcome), answeredAt, id, worker: worker ?? null }).changes === 1,
    );

  return {
    ...createBlobWrites(database),
    ...createCapWrites(database),
    ...createPurgeWrites(database),
    ...createEraseWrites(database),
    insert: (rows, refers = [], tagged = []) =>
      transact(database, () => {
        const found = rows.map((row) => (insertNotification.run(...row).changes === 1 ? undefined : docOf(row[0])));
        if (refers.length === 0 && tagged.length === 0) return found;
        const inserted = new Set(rows.flatMap(([id], i) => (found[i] === undefined ? [id] : [])));
        for (const row of refers) if (inserted.has(row.notification)) references.add(row);
        for (const row of tagged) if (inserted.has(row.notification)) tags.add(row);
        return found;
      }),
    change: (changes) => transact(database, () => changeNow(changes)),
    lease: (now, until, takes) =>
      transact(database, () =>
        takes.flatMap((take) => {
          // A negative limit would be none.
          const limit = Math.max(0, take.limit);
          const rows = "key" in take ? oldestOf.all(take.key, now, limit) : later.all({ class: take.later, now, limit });
          for (const { rowid } of rows) lease.run(until, Number(rowid));
          return rows.map(({ doc }) => String(doc));
        }),
      ),
    claim: (rows) => transact(database, () => rows.map((row) => insertAttempt.run(...row).changes === 1)),
    record: (results) => transact(database, () => recordNow(results)),
    settle: (ends) =>
      transact(database, () => {
        const recorded = recordNow(ends.map(({ result }) => result));
        const changed = changeNow(ends.map(({ change }) => change));
        return ends.map((_, i) => ({ recorded: recorded[i]!, changed: changed[i]! }));
      }),
    resolve: (results) =>
      transact(database, () =>
        results.map(({ id, resolution }) => addResolution.run({ id, resolution: JSON.stringify(resolution) }).changes === 1),
      ),
    attribute: (provider, providerRef, attempt) =>
      transact(database, () => {
        const reference = `${provider}/${providerRef}`;
        give.run(reference, attempt);
        const other = holders.all({ reference }).find(({ id }) => id !== attempt);
        // The other attempt may ask later, and must get it.
        if (other) giveInstead.run(String(other.id), reference, attempt);
        return givenTo.get(reference)?.attempt === attempt;
      }),
    put: (contents) =>
      transact(database, () => {
        for (const { app, hash, keepUntil, content } of contents) putContent.run(app, hash, keepUntil, JSON.stringify(content));
      }),
    register: (contact) =>
      transact(database, () => {
        const { app, endpointId, userId, registeredAt, endpoint } = contact;
        const isAlone = hasOneUser(endpoint.channel);
        const replaced = isAlone ? anyContact.get(app, endpointId) : ownContact.get(app, endpointId, userId);
        if (isAlone) takeContact.run(app, endpointId, userId);
        putContact.run(app, endpointId, userId, registeredAt, JSON.stringify(contact));
        return replaced && (JSON.parse(String(replaced.doc)) as ContactRecord);
      }),
    remove: (app, userId, endpointId, registeredUntil = Number.MAX_SAFE_INTEGER) =>
      transact(database, () => removeContact.run(app, endpointId, userId, registeredUntil).changes === 1),
    removeGone: (app, endpointId, { goneAt, startedAt, answeredAt }) =>
      transact(database, () => {
        const { changes } = removeGone.run(app, endpointId, goneAt, startedAt);
        keepReport.run(answeredAt, app, endpointId, startedAt);
        return Number(changes) > 0;
      }),
  };
}

/** Whether the delivery was where the change expects it; then it is changed in place. */
function applyTo(record: NotificationRecord, { deliveryId, expect, set }: DeliveryChange): boolean {
  const delivery = record.deliveries.find((d) => d.id === deliveryId);
  if (!delivery || delivery.attempt !== expect.attempt || !expect.states.includes(delivery.state)) return false;
  if (expect.publishCounts?.includes(delivery.publishCount) === false) return false;
  if (expect.nextAt !== undefined && expect.nextAt !== delivery.nextAt) return false;
  if (record.contentDeletedAt !== undefined && opens(set)) return false;
  // Undefined values go away as JSON is made.
  Object.assign(delivery, set satisfies Partial<Delivery>);
  return true;
}

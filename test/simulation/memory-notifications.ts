import { opens, withoutContent } from "../../core/delivery/content-deletion.ts";
import { endpointKey } from "../../core/delivery/endpoint.ts";
import { erasedNotification, isErased } from "../../core/delivery/erasure.ts";
import {
  type Delivery,
  type DeliveryState,
  dueAt,
  endedAt,
  isOpen,
  type NotificationRecord,
  type Recipient,
} from "../../core/delivery/notification.ts";
import { type OutboxPlace, outboxPlace } from "../../core/delivery/outbox-key.ts";
import { tagTexts } from "../../core/delivery/search.ts";
import type {
  CancelSelection,
  DeliveryChange,
  DeliveryCount,
  InsertResult,
  NotificationStore,
  Place,
} from "../../core/ports/notification-store.ts";
import type { EndedBefore } from "../../core/ports/store.ts";
import { frozen } from "./frozen.ts";
import { createHeap } from "./heap.ts";

/** Synchronous access to the stored state, for checks between two events. */
export interface NotificationsInside {
  get(id: string): NotificationRecord | undefined;
  values(): Iterable<NotificationRecord>;
  /** Notifications not ended. */
  open(): number;
  /** Whether the delivery ever was in this state at this attempt. */
  was(deliveryId: string, attempt: number, state: DeliveryState): boolean;
  /** The earliest due time. */
  firstDue(): number | undefined;
  /** Every due time, and where its notification waits in the outbox. */
  allDue(): { due: number; place: OutboxPlace }[];
}

/** What was taken, as it was. */
interface Ended {
  records: NotificationRecord[];
  oldest?: number;
}
type TakeEnded = (ended: EndedBefore, limit: number) => Ended;

export function createMemoryNotifications(onDue: (due: number) => void): NotificationStore & {
  inside: NotificationsInside;
  purge: TakeEnded;
  deleteContent(ended: EndedBefore, now: number, limit: number): Ended;
  /** Returns those that it erased, as they were. */
  erase(ids: readonly string[], now: number): NotificationRecord[];
} {
  const records = new Map<string, NotificationRecord>();
  /** Due times of the notifications that have not ended. */
  const dues = new Map<string, number>();
  /** Every due time that was ever set; outdated ones are skipped. */
  const order = createHeap<{ id: string; due: number }>((entry) => entry.due);

  function setDue(id: string, due: number | undefined): void {
    if (due === undefined) dues.delete(id);
    else if (due !== dues.get(id)) {
      dues.set(id, due);
      order.put({ id, due });
      onDue(due);
    }
  }

  function firstDue(): number | undefined {
    for (let entry = order.peek(); entry; entry = order.peek()) {
      if (dues.get(entry.id) === entry.due) return entry.due;
      order.take();
    }
    return undefined;
  }

  const places = new WeakMap<NotificationRecord, OutboxPlace>();
  /** Of an open record. Computed once: records are frozen, and relays ask for the places of all that are due at every poll. */
  function placeOf(record: NotificationRecord): OutboxPlace {
    const place = places.get(record) ?? outboxPlace(record)!;
    places.set(record, place);
    return place;
  }

  /** The earliest first. */
  const dueNow = (now: number) =>
    [...dues]
      .filter(([, due]) => due <= now)
      .sort(([, a], [, b]) => a - b)
      .map(([id]) => records.get(id)!);

  const states = new Set<string>();
  const remember = ({ id, attempt, state }: Delivery) => states.add(`${id} ${attempt} ${state}`);

  function changeOne({ notificationId, deliveryId, expect, set }: DeliveryChange): boolean {
    const record = records.get(notificationId);
    const index = record ? record.deliveries.findIndex((d) => d.id === deliveryId) : -1;
    const delivery = record?.deliveries[index];
    if (!record || !delivery || delivery.attempt !== expect.attempt || !expect.states.includes(delivery.state)) return false;
    if (expect.publishCounts?.includes(delivery.publishCount) === false) return false;
    if (expect.nextAt !== undefined && expect.nextAt !== delivery.nextAt) return false;
    if (record.contentDeletedAt !== undefined && opens(set)) return false;
    const deliveries = record.deliveries.with(index, frozen<Delivery>({ ...delivery, ...set }));
    records.set(notificationId, frozen({ ...record, deliveries }));
    remember(deliveries[index]!);
    return true;
  }

  const endOf = (record: NotificationRecord) => endedAt(record) ?? Number.POSITIVE_INFINITY;
  const isGone = ({ contentDeletedAt }: NotificationRecord) => contentDeletedAt !== undefined;
  const endedOf = ({ app, notificationClass, before }: EndedBefore) =>
    [...records.values()]
      .filter((record) => record.app === app && record.notificationClass === notificationClass && endOf(record) < before)
      .sort((a, b) => endOf(a) - endOf(b));
  function takeOf(ended: readonly NotificationRecord[], limit: number): Ended {
    const taken = ended.slice(0, Math.max(0, limit));
    return { records: taken, ...(taken.length > 0 && { oldest: Math.min(...taken.map(endOf)) }) };
  }

  const openOf = (app: string, { userId, cancelKey }: CancelSelection, after: Place) =>
    [...dues.keys()]
      .map((id) => records.get(id)!)
      .filter((r) => r.app === app && inOrder(after, r) < 0 && (cancelKey === undefined || r.cancelKey === cancelKey))
      .filter((r) => userId === undefined || isSame(r.recipient, { kind: "user", userId }))
      .sort(inOrder);

  return {
    inside: {
      get: (id) => records.get(id),
      values: () => records.values(),
      open: () => dues.size,
      was: (id, attempt, state) => states.has(`${id} ${attempt} ${state}`),
      firstDue,
      allDue: () => [...dues].map(([id, due]) => ({ due, place: placeOf(records.get(id)!) })),
    },

    inserting: { itemsMax: 64, concurrency: 2 },
    insert: async (all) =>
      all.map((record): InsertResult => {
        const before = records.get(record.id);
        if (before) return { kind: "exists", record: before };
        records.set(record.id, frozen(record));
        setDue(record.id, dueAt(record.deliveries));
        return { kind: "inserted" };
      }),

    find: async (id) => records.get(id),

    async dueKeys(now) {
      return [...new Set(dueNow(now).map((record) => placeOf(record).key))].sort();
    },

    async leaseDue(now, until, takes) {
      return takes.flatMap((take) => {
        const mine = dueNow(now).filter((record) => {
          const { key, laterDue } = placeOf(record);
          return "key" in take ? key === take.key : record.notificationClass === take.later && laterDue <= now;
        });
        const records = mine.slice(0, Math.max(0, take.limit));
        for (const { id } of records) setDue(id, until);
        return records;
      });
    },

    async dueUnder(key, now, limit) {
      const under = dueNow(now).filter((record) => placeOf(record).key === key);
      return { oldest: under[0] && dues.get(under[0].id), count: Math.min(limit, under.length) };
    },

    async *open(notificationClass) {
      for (const id of [...dues.keys()]) {
        const record = records.get(id);
        if (record?.notificationClass === notificationClass) yield record;
      }
    },

    async change(changes) {
      const applied = changes.map(changeOne);
      const touched = new Set(changes.filter((_, i) => applied[i]).map((c) => c.notificationId));
      for (const id of touched) setDue(id, dueAt(records.get(id)!.deliveries));
      return applied;
    },

    async count() {
      return { notifications: records.size, deliveries: countsOf([...records.values()].flatMap((r) => r.deliveries)) };
    },

    async *openCounts(limit) {
      const first = [...dues].sort(([, a], [, b]) => a - b).slice(0, Math.max(0, limit));
      for (const [id] of first) {
        const { sendAt, deliveries } = records.get(id)!;
        for (const d of deliveries.filter(({ state }) => isOpen(state)))
          yield countsOf([d]).map((count) => ({ ...count, ...(d.reason?.detail && { detail: d.reason.detail }), oldest: sendAt }));
      }
    },

    page: async (after, limit) => {
      const above = [...records.values()].filter((r) => r.id > after);
      return above.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, Math.max(0, limit));
    },

    ofRecipient: async (app, recipient, after, limit) => {
      const theirs = [...records.values()].filter((r) => r.app === app && isSame(r.recipient, recipient) && inOrder(after, r) < 0);
      return theirs.sort(inOrder).slice(0, Math.max(0, limit));
    },

    openOf: async (app, selection, after, limit) => openOf(app, selection, after).slice(0, Math.max(0, limit)),

    countOpenOf: async (app, selection, after, limit) => Math.min(limit, openOf(app, selection, after).length),

    search: async (app, source, { from, before }, limit) => {
      const isOf = (r: NotificationRecord) =>
        source.kind === "all" || (source.kind === "tag" ? tagTexts(r).includes(source.tag) : isSame(r.recipient, source.recipient));
      const found = [...records.values()].filter((r) => r.app === app && r.acceptedAt >= from && inOrder(r, before) < 0 && isOf(r));
      return found.sort((a, b) => inOrder(b, a)).slice(0, Math.max(0, limit));
    },

    openOfApp: async (app, limit) =>
      [...dues.keys()]
        .map((id) => records.get(id)!)
        .filter((r) => r.app === app)
        .slice(0, Math.max(0, limit)),

    async *failed(from, to) {
      const failedAt = ({ deliveries }: NotificationRecord) => {
        const moments = deliveries.flatMap((d) => (d.state === "failed" && d.endedAt !== undefined ? [d.endedAt] : []));
        return Math.min(...moments.filter((at) => at >= from && at < to));
      };
      const first = [...records.values()].map((record) => ({ id: record.id, at: failedAt(record) })).sort((a, b) => a.at - b.at);
      for (const { id } of first) {
        // Read again: it may have changed since the iteration began.
        const record = records.get(id);
        if (record && failedAt(record) < to) yield record;
      }
    },

    purge(of, limit) {
      const ended = endedOf(of).sort((a, b) => Number(isGone(b)) - Number(isGone(a)));
      const taken = takeOf(ended, limit);
      for (const { id } of taken.records) records.delete(id);
      return taken;
    },

    deleteContent(of, now, limit) {
      const taken = takeOf(
        endedOf(of).filter((record) => !isGone(record)),
        limit,
      );
      for (const record of taken.records) records.set(record.id, frozen(withoutContent(record, now)));
      return taken;
    },

    erase(ids, now) {
      const ended = ids.flatMap((id) => records.get(id) ?? []).filter((record) => !dues.has(record.id) && !isErased(record));
      for (const record of ended) records.set(record.id, frozen(erasedNotification(record, now)));
      return ended;
    },

    openCount: async (limit, dueUntil = Number.POSITIVE_INFINITY) =>
      Math.min(limit, [...dues.values()].filter((due) => due <= dueUntil).length),

    openCountOf: async (app, { from, until }, limit) => {
      const due = [...dues].filter(([id, at]) => records.get(id)?.app === app && at >= from && at <= until);
      return Math.min(limit, due.length);
    },
  };
}

function countsOf(deliveries: readonly Delivery[]): DeliveryCount[] {
  const groups = Map.groupBy(deliveries, (d) => JSON.stringify([d.channel, d.state, d.reason?.code]));
  return [...groups.values()].map(([first, ...rest]) => {
    const { channel, state, reason } = first!;
    return { channel, state, reason: reason?.code, count: 1 + rest.length };
  });
}

/** By acceptance. */
const inOrder = (a: Place, b: Place) => a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : a.id === b.id ? 0 : 1);

const keyOf = (recipient: Recipient) => (recipient.kind === "user" ? `user ${recipient.userId}` : endpointKey(recipient.endpoint));
const isSame = (a: Recipient, b: Recipient) => keyOf(a) === keyOf(b);

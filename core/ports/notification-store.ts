import type { Channel, NotificationClass } from "../delivery/channel.ts";
import type { DeliveryState, NotificationRecord, Recipient } from "../delivery/notification.ts";
import type { ReasonCode } from "../delivery/reason.ts";
import type { DeliveryChange } from "../delivery/transitions.ts";

export type { DeliveryChange } from "../delivery/transitions.ts";

/** The result for one record: it was inserted, or `record` has its id already. */
export type InsertResult = { kind: "inserted" } | { kind: "exists"; record: NotificationRecord };

/** What to lease from the outbox: notifications under one key of it, or those of a class whose later due moment has come, under any key. */
export type Take = { key: string; limit: number } | { later: NotificationClass; limit: number };

/** Where a notification stands in the order of acceptance: by `acceptedAt` (ms since the epoch), then by id. */
export type Place = Pick<NotificationRecord, "acceptedAt" | "id">;
export const FIRST_PLACE: Place = { acceptedAt: 0, id: "" };
/** Behind every notification. */
export const LAST_PLACE: Place = { acceptedAt: Number.MAX_SAFE_INTEGER, id: "" };

/** What a search reads of an app: everything, what was sent to a recipient, or what has a tag (key=value). */
export type SearchSource = { kind: "all" } | { kind: "recipient"; recipient: Recipient } | { kind: "tag"; tag: string };

/** Notifications of an app to a user, with a cancel key, or both. */
export type CancelSelection = { userId: string; cancelKey?: string | undefined } | { userId?: undefined; cancelKey: string };

export interface DeliveryCount {
  channel: Channel;
  state: DeliveryState;
  reason: ReasonCode | undefined;
  /** Of the reason; of openCounts() alone. */
  detail?: string | undefined;
  count: number;
  /** The earliest moment at which one of them was to be sent (ms since the epoch); of openCounts() alone. */
  oldest?: number | undefined;
}

/** The store of record for notifications, and the outbox. Every write is durable when its promise resolves. */
export interface NotificationStore {
  /** The best size of an insert() while many records wait, and how many calls to make at once. What waits behind a call waits for all of its records. */
  readonly inserting: { itemsMax: number; concurrency: number };
  /** Inserts all that are new, in one round trip. Results in the order of the records. Equal ids within one call: the first wins. */
  insert(records: readonly NotificationRecord[]): Promise<InsertResult[]>;
  /** Undefined where there is none. */
  find(id: string): Promise<NotificationRecord | undefined>;
  /**
   * Keys (core/delivery/outbox-key.ts) under which notifications are due; "" for those that an earlier version stored without one. Cheap: reads one entry
   * a key.
   */
  dueKeys(now: number): Promise<string[]>;
  /**
   * Leases notifications whose due moment is ≤ now, of each take up to its limit and the oldest first, by moving due to `until`: no two callers get the
   * same one before then, and after a crash the leased notifications become due again. Empty only where no such notification is due. A store that has its
   * callers lease from different parts may return fewer than the limit, or the oldest of a part.
   */
  leaseDue(now: number, until: number, takes: readonly Take[]): Promise<NotificationRecord[]>;
  /** The earliest due moment under the key, where it is ≤ now; and how many are due, counted up to `limit` to bound the cost. */
  dueUnder(key: string, now: number, limit: number): Promise<{ oldest: number | undefined; count: number }>;
  /** Notifications of the class that have not ended, in no useful order. One that changes meanwhile may be missed, or come twice. */
  open(notificationClass: NotificationClass): AsyncIterable<NotificationRecord>;
  /** Applies each change whose expectation holds, and recomputes due and the place in the outbox in the same write. Returns for each whether it was applied. */
  change(changes: readonly DeliveryChange[]): Promise<boolean[]>;
  /** Deliveries by channel, state and reason code, and the number of notifications. For audit: reads everything. */
  count(): Promise<{ notifications: number; deliveries: DeliveryCount[] }>;
  /**
   * Open deliveries by channel, state and reason, of up to `limit` notifications, the earliest due first; in batches, so that a reader may pause
   * between them. Reads nothing that has ended. Approximate: what changes meanwhile may be counted twice, or not at all.
   */
  openCounts(limit: number): AsyncIterable<DeliveryCount[]>;
  /** Up to `limit` notifications with ids above `after`, in the order of their ids; fewer only at the end. For audit. */
  page(after: string, limit: number): Promise<NotificationRecord[]>;
  /** Notifications of an app to a user, or to an endpoint that was given outright: up to `limit` behind `after`, in the order of acceptance. */
  ofRecipient(app: string, recipient: Recipient, after: Place, limit: number): Promise<NotificationRecord[]>;
  /** Notifications of the selection that have not ended: up to `limit` behind `after`, in the order of acceptance. */
  openOf(app: string, selection: CancelSelection, after: Place, limit: number): Promise<NotificationRecord[]>;
  /** How many openOf() would return without a limit, counted up to `limit`. */
  countOpenOf(app: string, selection: CancelSelection, after: Place, limit: number): Promise<number>;
  /** Notifications of a source accepted at or after `range.from` (ms since the epoch) and before `range.before`: up to `limit`, the latest first. Reads no others. */
  search(app: string, source: SearchSource, range: { from: number; before: Place }, limit: number): Promise<NotificationRecord[]>;
  /** Up to `limit` notifications of the app that have not ended, in any order. */
  openOfApp(app: string, limit: number): Promise<NotificationRecord[]>;
  /** Notifications of which a delivery ended as failed at or after `from` and before `to` (ms since the epoch), the earliest first. */
  failed(from: number, to: number): AsyncIterable<NotificationRecord>;
  /**
   * Number of notifications that have not ended and are due at or before `dueUntil` (ms since the epoch; absent: at any time), counted up to
   * `limit` to bound the cost. Reads an index only. For overload protection.
   */
  openCount(limit: number, dueUntil?: number): Promise<number>;
  /** openCount() for one app, and for what is due at or after `range.from` and at or before `range.until`. */
  openCountOf(app: string, range: { from: number; until: number }, limit: number): Promise<number>;
}

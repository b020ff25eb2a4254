import { setImmediate as nextTurn } from "node:timers/promises";
import { isOpen, type NotificationRecord, type Recipient } from "../../core/delivery/notification.ts";
import { placeOf } from "../../core/delivery/place.ts";
import { isFound, type SearchFilter } from "../../core/delivery/search.ts";
import { deliveryIdOf, notificationIdOf } from "../../core/ports/attempt-store.ts";
import { LAST_PLACE, type Place, type SearchSource } from "../../core/ports/notification-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { endpointId, notificationId } from "../ids.ts";

/**
 * Notifications read at once. The first hundred mostly fill a page; where few match, each read is twice as large as the one before. The largest takes 3 ms with
 * SQLite, which reads in this process.
 */
const READ = { first: 100, most: 400 };
/** Notifications that one call reads at most: with a page of the largest size, some 50 ms of work. */
export const SCAN_MAX = 1_000;
/** A page ends with the notification that brings its deliveries to this number: with a summary of each, an answer stays below 1 MiB. */
export const PAGE_DELIVERIES_MAX = 2_000;
/** Attempts with one reference that are read at most. A provider gives each its own; only tests and imports repeat one. */
const REFERENCED_MAX = 100;

export interface SearchPage {
  /** The latest accepted first. */
  notifications: NotificationRecord[];
  /** Where the next call goes on; undefined at the end. */
  next: Place | undefined;
}

export interface SearchQuery {
  app: string;
  filter: SearchFilter;
  /** Of the page before; undefined: the latest. */
  after: Place | undefined;
  limit: number;
  /** ms since the epoch. */
  now: number;
}

type SearchStore = Pick<Store, "notifications" | "attempts" | "contacts">;

/**
 * One page of an app's notifications. Reads by the narrowest index that the filter has, in the order of the answer, and the rest of the filter is applied to
 * what was read; at most SCAN_MAX notifications, so that a page may hold fewer than `limit` although more follow. Rejects with a StoreError.
 */
export async function searchNotifications(store: SearchStore, query: SearchQuery): Promise<SearchPage> {
  const { app, filter, now } = query;
  if (filter.idempotencyKey !== undefined) {
    const record = await store.notifications.find(notificationId(app, filter.idempotencyKey));
    return pageOf(record ? [record] : [], query, (n) => isFound(n, filter, now));
  }
  if (filter.providerRef !== undefined) {
    const attempts = await store.attempts.withReference(filter.providerRef, REFERENCED_MAX);
    const ids = [...new Set(attempts.map(notificationIdOf))];
    const records = await Promise.all(ids.map((id) => store.notifications.find(id)));
    const referred = new Set(attempts.map(deliveryIdOf));
    return pageOf(
      records.filter((n) => n !== undefined),
      query,
      (n) => isFound(n, filter, now, referred),
    );
  }
  if (isAboutOpen(filter) && filter.userId === undefined && filter.endpoint === undefined && filter.tag === undefined) {
    // Few are open of many that were: then all of them are read. Where many are, the latest are mostly among them.
    const range = { from: 0, until: Number.MAX_SAFE_INTEGER };
    if ((await store.notifications.openCountOf(app, range, SCAN_MAX + 1)) <= SCAN_MAX)
      return pageOf(await store.notifications.openOfApp(app, SCAN_MAX), query, (n) => isFound(n, filter, now));
  }
  return scan(store, query, await sourcesOf(store, query));
}

const isAboutOpen = ({ waitingFor, states }: SearchFilter) => waitingFor !== undefined || states?.every(isOpen) === true;

/** A page of records that hold every match. */
function pageOf(
  records: readonly NotificationRecord[],
  { app, after = LAST_PLACE, limit }: SearchQuery,
  holds: (n: NotificationRecord) => boolean,
): SearchPage {
  const found = records.filter((n) => n.app === app && latestFirst(after, n) < 0 && holds(n)).sort(latestFirst);
  const notifications: NotificationRecord[] = [];
  for (const n of found) {
    if (isFull(notifications, limit)) break;
    notifications.push(n);
  }
  const last = notifications.at(-1);
  return { notifications, next: found.length > notifications.length && last ? placeOf(last) : undefined };
}

/** An endpoint is found where it was the recipient itself, and among what was sent to the users who have it. */
async function sourcesOf({ contacts }: Pick<Store, "contacts">, { app, filter }: SearchQuery): Promise<SearchSource[]> {
  const to = (recipient: Recipient): SearchSource => ({ kind: "recipient", recipient });
  if (filter.userId !== undefined) return [to({ kind: "user", userId: filter.userId })];
  if (filter.endpoint !== undefined) {
    const owners = await contacts.find([{ app, endpointId: endpointId(filter.endpoint) }]);
    return [to({ kind: "endpoint", endpoint: filter.endpoint }), ...owners.map(({ userId }) => to({ kind: "user", userId }))];
  }
  return [filter.tag === undefined ? { kind: "all" } : { kind: "tag", tag: filter.tag }];
}

async function scan({ notifications }: SearchStore, query: SearchQuery, sources: readonly SearchSource[]): Promise<SearchPage> {
  const { app, filter, now, limit } = query;
  const found: NotificationRecord[] = [];
  let place = query.after ?? LAST_PLACE;
  let size = READ.first;
  for (let read = 0; read < SCAN_MAX; size = Math.min(2 * size, READ.most)) {
    const most = Math.ceil(Math.min(size, SCAN_MAX - read) / sources.length);
    const range = { from: filter.from ?? 0, before: earlier(place, { acceptedAt: filter.before ?? Number.MAX_SAFE_INTEGER, id: "" }) };
    const parts = await Promise.all(sources.map((source) => notifications.search(app, source, range, most)));
    // A part that is full may go on. Behind the place where the first of these stops, records may be missing: the next round reads from there.
    const ends = parts.flatMap((part) => (part.length < most ? [] : [part.at(-1)!])).sort(latestFirst);
    const end = ends[0];
    const records = parts.flat().sort(latestFirst);
    const complete = end ? records.filter((one) => latestFirst(one, end) <= 0) : records;
    for (const [i, n] of complete.entries()) {
      if (isFound(n, filter, now)) found.push(n);
      if (!isFull(found, limit)) continue;
      const isLast = end === undefined && i === complete.length - 1;
      return { notifications: found, next: isLast ? undefined : placeOf(n) };
    }
    if (end === undefined) return { notifications: found, next: undefined };
    place = placeOf(end);
    read += Math.max(1, records.length);
    await nextTurn();
  }
  return { notifications: found, next: place };
}

const isFull = (page: readonly NotificationRecord[], limit: number) =>
  page.length >= limit || page.reduce((sum, { deliveries }) => sum + deliveries.length, 0) >= PAGE_DELIVERIES_MAX;

const latestFirst = (a: Place, b: Place) => b.acceptedAt - a.acceptedAt || (a.id > b.id ? -1 : a.id === b.id ? 0 : 1);
const earlier = (a: Place, b: Place) => (latestFirst(a, b) < 0 ? b : a);

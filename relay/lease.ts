import type { AppShares } from "../adapters/nats/app-shares.ts";
import { CLASSES, type NotificationClass } from "../core/delivery/channel.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { type AppQueue, classOfKey, outboxPlace, readOutboxKey } from "../core/delivery/outbox-key.ts";
import type { Random } from "../core/ports/clock.ts";
import type { DueStore } from "../core/ports/due-store.ts";
import type { NotificationStore, Take } from "../core/ports/notification-store.ts";

/** Share of an iteration that each lower class gets while a higher one could fill it: a campaign moves on, however many retries are due. */
const FLOOR_SHARE = 0.1;
/** Keys of a class leased from in one iteration, which is so many queries at once; the others have their turn in the next ones. */
const KEYS_MAX = 32;
/** What a key does not fill goes to those that have more: to the next class down, and so on to the last one. */
const ROUNDS_MAX = CLASSES.length + 1;
/** Most notifications of a class that an iteration leases by `laterDue`: their first delivery waits for room in its queue, and another is due or has expired. */
const LATER_MAX = 50;

interface KeyTake {
  key: string;
  limit: number;
}

/** Of each class the last key that was leased from. */
type LastKeys = Partial<Record<NotificationClass, string>>;

/**
 * What to lease of these keys: strictly by class with a floor for the lower ones, in equal parts within a class, beginning after its last key, and of each
 * no more than it has room for. Pure.
 */
export function planTakes(
  keys: readonly string[],
  limit: number,
  last: LastKeys,
  roomOf: (key: string) => number = () => limit,
): KeyTake[] {
  const byClass = Map.groupBy(keys, classOfKey);
  const floor = Math.floor(limit * FLOOR_SHARE);
  let left = limit;
  return CLASSES.flatMap((notificationClass, i) => {
    const own = (byClass.get(notificationClass) ?? []).toSorted();
    const lower = CLASSES.slice(i + 1).filter((c) => byClass.has(c)).length;
    const ofClass = left - floor * lower;
    const begin = Math.max(
      0,
      own.findIndex((key) => key > (last[notificationClass] ?? "")),
    );
    const chosen = [...own.slice(begin), ...own.slice(0, begin)].slice(0, Math.min(KEYS_MAX, ofClass));
    if (chosen.length > 0) left -= ofClass;
    // The first ones get what does not divide.
    return chosen.map((key, k) => ({ key, limit: Math.min(roomOf(key), Math.floor((ofClass + chosen.length - 1 - k) / chosen.length)) }));
  });
}

const queueName = ({ notificationClass, channel, app }: AppQueue) => `${notificationClass}.${channel}.${app}`;

/** Leases, and tells what it left. */
export interface Lease extends DueStore<NotificationRecord> {
  /** Whether something stayed due for want of room in its queue. */
  readonly leftDue: boolean;
}

/** Leases by class and by app, where DueStore asks only for what is due: what has no room in its queue stays due. */
export function createLease(
  notifications: Pick<NotificationStore, "dueKeys" | "leaseDue">,
  shares: Pick<AppShares, "room">,
  random: Random,
): Lease {
  const last: LastKeys = {};
  let leftDue = false;

  /** How many to lease under each key: keys that name the same queue divide its room, and room in one of its queues is enough for a key. */
  async function roomsOf(due: readonly string[]): Promise<Map<string, number>> {
    const queuesOf = new Map(due.map((key) => [key, readOutboxKey(key)?.queues ?? []]));
    const sharing = Map.groupBy([...queuesOf.values()].flat(), queueName);
    const partOf = async (queue: AppQueue) => Math.ceil((await shares.room(queue)) / sharing.get(queueName(queue))!.length);
    const rooms = await Promise.all(
      due.map(async (key) => {
        const parts = await Promise.all(queuesOf.get(key)!.map(partOf));
        return [key, parts.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...parts)] as const;
      }),
    );
    return new Map(rooms);
  }

  return {
    get leftDue() {
      return leftDue;
    },
    async leaseDue(now, until, limit) {
      leftDue = false;
      const leased: NotificationRecord[] = [];
      const due = await notifications.dueKeys(now);
      if (due.length === 0) return leased;
      const classes = [...new Set(due.map(classOfKey))];
      const rooms = await roomsOf(due);
      let keys = due.filter((key) => rooms.get(key)! > 0);
      leftDue = keys.length < due.length;
      // Each relay begins at another key.
      for (const [notificationClass, own] of Map.groupBy(keys, classOfKey))
        last[notificationClass] ??= own[Math.floor(random() * own.length)]!;
      for (let round = 0; round < ROUNDS_MAX && leased.length < limit && (keys.length > 0 || round === 0); round++) {
        const takes = planTakes(keys, limit - leased.length, last, (key) => rooms.get(key)!);
        const later = round === 0 ? classes.map((c): Take => ({ later: c, limit: LATER_MAX })) : [];
        const records = await notifications.leaseDue(now, until, [...takes, ...later]);
        leased.push(...records);
        const counts = Map.groupBy(records, (record) => outboxPlace(record)?.key ?? "");
        for (const { key, limit } of takes) rooms.set(key, rooms.get(key)! - limit);
        keys = takes.filter(({ key, limit }) => (counts.get(key)?.length ?? 0) >= limit && rooms.get(key)! > 0).map(({ key }) => key);
        // Further rounds only go on with these keys: the others have their turn in the next iteration.
        if (round === 0) for (const { key } of takes) last[classOfKey(key)] = key;
      }
      return leased;
    },
  };
}

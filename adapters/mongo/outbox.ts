import type { Collection, Filter } from "mongodb";
import { CLASSES } from "../../core/delivery/channel.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { NotificationStore, Take } from "../../core/ports/notification-store.ts";
import { asStoreError } from "./errors.ts";
import { decode, type NotificationDocument } from "./notification-document.ts";
import { newToken, updateAll } from "./writes.ts";

/** Ids are hashes in hex: their first digit splits any set of them into 16 equal ranges. */
const RANGES = 16;
/** How often another range is tried where other relays leased every candidate first: more may be due. */
const TRIES_MAX = RANGES;
/** Keys of a class read in one call, one query each: a relay leases from 32 in an iteration. Where there are more, the next call goes on from there. */
const KEYS_MAX = 256;
/** Keys begin with their class; where the keys of each class begin. The first range holds what sorts before, the last what sorts after. */
const KEY_RANGES = CLASSES.toSorted().map((c, i, all) => ({ from: i === 0 ? "" : c, below: all[i + 1] }));
/** The index `outbox-key`, which every query by key must use: by another index MongoDB would read the whole backlog. */
const HINT = { outboxKey: 1, due: 1, _id: 1 };
/** The index `later-due`. */
const LATER_HINT = { notificationClass: 1, laterDue: 1, due: 1 };
const FIRST_KEY = { projection: { _id: 0, outboxKey: 1 }, sort: { outboxKey: 1 }, limit: 1, hint: HINT } as const;

/** Open notifications read in one round trip. */
const PAGE_DOCUMENTS = 200;

type Candidate = Pick<NotificationDocument, "_id" | "due">;
type Outbox = Pick<NotificationStore, "dueKeys" | "leaseDue" | "dueUnder" | "open">;

/** @param random in [0, 1): where this process begins, so that several relays begin at different ranges */
export function createOutbox(collection: Collection<NotificationDocument>, random = Math.random): Outbox {
  let range = Math.floor(random() * RANGES);

  const read = (filter: Filter<NotificationDocument>, limit: number): Promise<Candidate[]> =>
    limit <= 0 ? Promise.resolve([]) : collection.find(filter, { projection: { due: 1 }, sort: { due: 1 }, limit, hint: HINT }).toArray();

  /** By class: where the next call begins, because the last one did not read all keys. */
  const resumed = new Map<string, string>();

  /** From each key straight to the next one, however many notifications are under it. (`distinct` would read every document that is due.) */
  async function keysBetween(from: string, below: string | undefined, now: number, limit: number): Promise<string[]> {
    const keys: string[] = [];
    while (keys.length < limit) {
      const above = keys.length === 0 ? { $gte: from } : { $gt: keys.at(-1)! };
      const [next] = await collection
        .find({ outboxKey: { ...above, ...(below === undefined ? {} : { $lt: below }) }, due: { $exists: true, $lte: now } }, FIRST_KEY)
        .toArray();
      if (next?.outboxKey === undefined) break;
      keys.push(next.outboxKey);
    }
    return keys;
  }

  async function keysOf({ from, below }: (typeof KEY_RANGES)[number], now: number): Promise<string[]> {
    const begin = resumed.get(from) ?? from;
    const keys = await keysBetween(begin, below, now, KEYS_MAX);
    if (keys.length === KEYS_MAX) resumed.set(from, `${keys.at(-1)!}\0`);
    else resumed.delete(from);
    return begin === from || keys.length === KEYS_MAX ? keys : [...keys, ...(await keysBetween(from, begin, now, KEYS_MAX - keys.length))];
  }

  /** Of one range, so that relays do not all read the same; of all where it has none. */
  async function candidatesOf(take: Take, now: number): Promise<Candidate[]> {
    // `$exists` makes every server use the partial index.
    const due = { $exists: true, $lte: now };
    if ("later" in take) {
      if (take.limit <= 0) return [];
      // Also without the field: an earlier version stored it.
      const filter = { notificationClass: take.later, laterDue: { $not: { $gt: now } }, due };
      return collection.find(filter, { projection: { due: 1 }, sort: { laterDue: 1 }, limit: take.limit, hint: LATER_HINT }).toArray();
    }
    const ofKey = { ...under(take.key), due };
    const inRange = await read({ ...ofKey, _id: rangeOf(range) }, take.limit);
    return inRange.length > 0 ? inRange : read(ofKey, take.limit);
  }

  async function lease(now: number, until: number, takes: readonly Take[]) {
    const found = (await Promise.all(takes.map((take) => candidatesOf(take, now)))).flat();
    range = (range + 1) % RANGES;
    const order = new Map(found.map(({ _id }, i) => [_id, i]));
    if (order.size === 0) return { found: 0, leased: [] };
    const taker = newToken();
    await updateAll(
      collection,
      [...order.values()].map((i) => ({
        updateOne: { filter: { _id: found[i]!._id, due: found[i]!.due! }, update: { $set: { due: until, taker } } },
      })),
    );
    // Read after the lease: this sees what changed since the candidates were read, and leaves out what another relay leased.
    const documents = await collection.find({ _id: { $in: [...order.keys()] }, taker }).toArray();
    return { found: order.size, leased: documents.sort((a, b) => order.get(a._id)! - order.get(b._id)!).map(decode) };
  }

  return {
    dueKeys: (now) =>
      asStoreError("read the outbox's keys", async () => {
        const [keys, without] = await Promise.all([
          Promise.all(KEY_RANGES.map((keyRange) => keysOf(keyRange, now))),
          read({ ...under(""), due: { $exists: true, $lte: now } }, 1),
        ]);
        return [...(without.length > 0 ? [""] : []), ...keys.flat().sort()];
      }),

    leaseDue: (now, until, takes) =>
      asStoreError("lease due notifications", async () => {
        let leased: NotificationRecord[] = [];
        for (let tries = 0; tries < TRIES_MAX && leased.length === 0; tries++) {
          const result = await lease(now, until, takes);
          if (result.found === 0) break;
          leased = result.leased;
        }
        return leased;
      }),

    dueUnder: (key, now, limit) =>
      asStoreError("read the age of the outbox", async () => {
        const filter = { ...under(key), due: { $exists: true, $lte: now } };
        const [[oldest], count] = await Promise.all([
          read(filter, 1),
          limit <= 0 ? 0 : collection.countDocuments(filter, { limit, hint: HINT }),
        ]);
        return { oldest: oldest?.due, count };
      }),

    async *open(notificationClass) {
      const open = { notificationClass, due: { $exists: true } };
      const cursor = collection.find(open, { hint: LATER_HINT, batchSize: PAGE_DOCUMENTS });
      try {
        for (;;) {
          const document = await asStoreError("read open notifications", () => cursor.next());
          if (document === null) return;
          yield decode(document);
        }
      } finally {
        await cursor.close();
      }
    },
  };
}

/** The driver's types have no null, which finds documents without the field. */
const under = (key: string) => ({ outboxKey: (key === "" ? null : key) as string });

/** Ids that begin with this hex digit. "g" follows "f". */
const rangeOf = (range: number) => ({ $gte: range.toString(16), $lt: range === RANGES - 1 ? "g" : (range + 1).toString(16) });

import type { Collection, Filter } from "mongodb";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { NotificationStore, Take } from "../../core/ports/notification-store.ts";
import { asStoreError } from "./errors.ts";
import { decode, type NotificationDocument } from "./notification-document.ts";
import { newToken, updateAll } from "./writes.ts";

/** Ids are hashes in hex: their first digit splits any set of them into 16 equal ranges. */
const RANGES = 16;
/** Candidates that other relays leased first are no sign that nothing is due: so often another range is tried. */
const TRIES_MAX = RANGES;
/** Of the index `outbox-key`, which every query here must use: by another one MongoDB would read a whole backlog. */
const HINT = { outboxKey: 1, due: 1, _id: 1 };

type Candidate = Pick<NotificationDocument, "_id" | "due">;
type Outbox = Pick<NotificationStore, "dueKeys" | "leaseDue" | "dueUnder">;

/** @param random in [0, 1): where this process begins, so that several relays begin at different ranges */
export function createOutbox(collection: Collection<NotificationDocument>, random = Math.random): Outbox {
  let range = Math.floor(random() * RANGES);

  const read = (filter: Filter<NotificationDocument>, limit: number): Promise<Candidate[]> =>
    limit <= 0 ? Promise.resolve([]) : collection.find(filter, { projection: { due: 1 }, sort: { due: 1 }, limit, hint: HINT }).toArray();

  /** Of one range, so that relays do not all read the same; of all where it has none. */
  async function candidatesOf(take: Take, now: number): Promise<Candidate[]> {
    // `$exists` makes every server use the partial index.
    const due = { $exists: true, $lte: now };
    if ("expired" in take)
      return take.limit <= 0
        ? []
        : collection
            .find({ expiresAt: { $lte: now }, due }, { projection: { due: 1 }, limit: take.limit, hint: { expiresAt: 1 } })
            .toArray();
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
          collection.distinct("outboxKey", { due: { $lte: now } }),
          read({ ...under(""), due: { $exists: true, $lte: now } }, 1),
        ]);
        return [...(without.length > 0 ? [""] : []), ...keys.filter((key) => typeof key === "string").sort()];
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
  };
}

/** The driver's types have no null, which finds documents without the field. */
const under = (key: string) => ({ outboxKey: (key === "" ? null : key) as string });

/** Ids that begin with this hex digit. "g" follows "f". */
const rangeOf = (range: number) => ({ $gte: range.toString(16), $lt: range === RANGES - 1 ? "g" : (range + 1).toString(16) });

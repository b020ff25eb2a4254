import { type Collection, MongoBulkWriteError } from "mongodb";
import type { CapPlace, CapStore } from "../../core/ports/cap-store.ts";
import { capKey } from "../store/cap-key.ts";
import { asStoreError, duplicatesOf } from "./errors.ts";
import { deleteFirst } from "./writes.ts";

/** A window of a user and a category, by capKey(). */
export interface CapDocument {
  _id: string;
  /** Ids of the notifications that have a place. */
  taken: string[];
  /** When the window ends. */
  until: number;
}

interface Wanted extends CapPlace {
  key: string;
}

/** One statement: the document is changed only while it has room or the place is taken already. */
const takeOf = ({ key, max, notificationId, window }: Wanted, upsert: boolean) => ({
  updateOne: {
    filter: { _id: key, $or: [{ taken: notificationId }, { [`taken.${max - 1}`]: { $exists: false } }] },
    update: { $addToSet: { taken: notificationId }, $setOnInsert: { until: window.until } },
    upsert,
  },
});

export function createCapStore(collection: Collection<CapDocument>): CapStore {
  /** Those that found their window's document in the way of an insert: it is full, or another caller made it at the same moment. */
  async function takeNew(wanted: readonly Wanted[]): Promise<Wanted[]> {
    try {
      await collection.bulkWrite(
        wanted.map((place) => takeOf(place, true)),
        { ordered: false },
      );
      return [];
    } catch (error) {
      const duplicates = error instanceof MongoBulkWriteError ? duplicatesOf(error) : undefined;
      if (!duplicates) throw error;
      return wanted.filter((_, i) => duplicates.has(i));
    }
  }

  /** In documents that are there: they tell who has a place afterwards. */
  async function takeExisting(wanted: readonly Wanted[]): Promise<(place: Wanted) => boolean> {
    await collection.bulkWrite(
      wanted.map((place) => takeOf(place, false)),
      { ordered: false },
    );
    const found = await collection.find({ _id: { $in: [...new Set(wanted.map(({ key }) => key))] } }).toArray();
    const taken = new Map(found.map(({ _id, taken: ids }) => [_id, new Set(ids)]));
    return ({ key, notificationId }) => taken.get(key)?.has(notificationId) ?? false;
  }

  return {
    take: (places) =>
      asStoreError("take places of caps", async () => {
        if (places.length === 0) return [];
        const wanted = places.map((place): Wanted => ({ ...place, key: capKey(place) }));
        // In the order of their keys, so that two calls with the same ones cannot deadlock on a server that locks documents.
        const refused = await takeNew(wanted.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
        if (refused.length === 0) return wanted.map(() => true);
        const isTaken = await takeExisting(refused);
        const isRefused = new Set(refused);
        return wanted.map((place) => !isRefused.has(place) || isTaken(place));
      }),

    purge: (before, limit) => asStoreError("purge caps", () => deleteFirst(collection, { until: { $lt: before } }, { until: 1 }, limit)),
  };
}

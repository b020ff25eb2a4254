import type { Collection } from "mongodb";
import type { StoredChange } from "../store/stored.ts";
import { deleteFirst, insertNew } from "./writes.ts";

export interface PreferenceChangeDocument extends StoredChange {
  /** That of the record, and the version. */
  _id: string;
}

/** As many digits as the largest safe integer has, so that ids sort as versions do. */
const VERSION_DIGITS = 16;
const idOf = (record: string, version: number) => `${record}/${String(version).padStart(VERSION_DIGITS, "0")}`;

/** Every change of preferences; a subject's are one range of ids. */
export function createPreferenceHistory(collection: Collection<PreferenceChangeDocument>) {
  return {
    /** Once, however often it is called. */
    put: async (record: string, change: StoredChange): Promise<void> => {
      await insertNew(collection, [{ _id: idOf(record, change.version), ...change }]);
    },
    /** All of a record; resolves with how many. */
    remove: async (record: string): Promise<number> =>
      (await collection.deleteMany({ _id: { $gte: idOf(record, 0), $lte: idOf(record, Number.MAX_SAFE_INTEGER) } })).deletedCount,
    /** Of any record, up to `limit` that were made before this moment; resolves with how many. */
    purge: (before: number, limit: number): Promise<number> => deleteFirst(collection, { at: { $lt: before } }, { at: 1 }, limit),
    /** The latest first. */
    async before(record: string, version: number, limit: number): Promise<StoredChange[]> {
      // A limit of 0 would be none.
      if (limit <= 0) return [];
      const _id = { $gte: idOf(record, 0), $lt: idOf(record, version) };
      const found = await collection.find({ _id }, { sort: { _id: -1 }, limit }).toArray();
      return found.map(({ _id: _, ...change }) => change);
    },
  };
}

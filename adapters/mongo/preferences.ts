import { setTimeout as delay } from "node:timers/promises";
import { type Collection, MongoServerError } from "mongodb";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { changeOptOuts, isTooMany, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { StoreError } from "../store/store-error.ts";
import { readPreference, type StoredPreference, writePreference } from "../store/stored.ts";
import { asStoreError, DUPLICATE_KEY, toStoreError } from "./errors.ts";

export interface PreferenceDocument extends StoredPreference {
  _id: string;
}

/** Of several writers one gets through at each round, so this many may change one person's preferences at the same moment. */
const UPDATE_TRIES_MAX = 40;
/** Longest random pause before reading again, in ms: so that the losers of one round do not all meet in the next. */
const UPDATE_PAUSE_MS = 20;
/** Documents a cursor fetches at once. */
const BATCH_ROWS = 500;

const keyOf = (app: string, subject: string) => JSON.stringify([app, subject]);
const decode = ({ _id, ...stored }: PreferenceDocument): PreferenceRecord => readPreference(stored);

export function createPreferenceStore(collection: Collection<PreferenceDocument>): PreferenceStore {
  return {
    find: (app, subjects) =>
      asStoreError("find preferences", async () => {
        if (subjects.length === 0) return [];
        return (await collection.find({ _id: { $in: subjects.map((subject) => keyOf(app, subject)) } }).toArray()).map(decode);
      }),

    update: (app, subject, optOut, optIn, now) =>
      asStoreError("update preferences", async () => {
        const _id = keyOf(app, subject);
        for (let tries = 1; tries <= UPDATE_TRIES_MAX; tries++) {
          const stored = await collection.findOne({ _id });
          const before = stored ? decode(stored) : undefined;
          const optOuts = changeOptOuts(before?.optOuts ?? [], optOut, optIn);
          if (before && isTooMany(before.optOuts, optOuts)) return { ...before, tooMany: true as const };
          const record: PreferenceRecord = { app, subject, version: (before?.version ?? 0) + 1, optOuts, updatedAt: now };
          if (await replace(collection, _id, before?.version, record)) return record;
          await delay(Math.random() * UPDATE_PAUSE_MS);
        }
        throw new StoreError(`MongoDB, update preferences: ${UPDATE_TRIES_MAX} tries met other writers`);
      }),

    async *changedSince(updatedAt) {
      try {
        const sort = { updatedAt: 1, _id: 1 } as const;
        for await (const document of collection.find({ updatedAt: { $gte: updatedAt } }, { sort, batchSize: BATCH_ROWS }))
          yield decode(document);
      } catch (error) {
        throw toStoreError("read preferences", error);
      }
    },
  };
}

/** False if another writer changed the record since `version` was read. */
async function replace(
  collection: Collection<PreferenceDocument>,
  _id: string,
  version: number | undefined,
  record: PreferenceRecord,
): Promise<boolean> {
  const stored = writePreference(record);
  if (version !== undefined) return (await collection.replaceOne({ _id, version }, stored)).matchedCount === 1;
  try {
    await collection.insertOne({ _id, ...stored });
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

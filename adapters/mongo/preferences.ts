import { setTimeout as delay } from "node:timers/promises";
import { type Collection, MongoServerError } from "mongodb";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { applyChange, isOutdated } from "../../core/preferences/change.ts";
import { noPreferences, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { StoreError } from "../store/store-error.ts";
import { readPreference, type StoredPreference, writePreference } from "../store/stored.ts";
import { asStoreError, DUPLICATE_KEY, toStoreError } from "./errors.ts";
import { createPreferenceHistory, type PreferenceChangeDocument } from "./preference-history.ts";

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
/**
 * Of an app's document that says above which version a new record begins: the largest that a removed one had. No record has such a key, and without `updatedAt` it
 * is not listed as one.
 */
const floorKeyOf = (app: string) => JSON.stringify([app]);
const decode = ({ _id, ...stored }: PreferenceDocument): PreferenceRecord => readPreference(stored);
/** What no reader needs. */
const projection = { lastChange: 0 } as const;

/**
 * A record holds its last change, and the history gets it afterwards. Where a process died between the two, whoever replaces the record next, or reads the
 * history, writes it there first.
 */
export function createPreferenceStore(
  collection: Collection<PreferenceDocument>,
  changes: Collection<PreferenceChangeDocument>,
): PreferenceStore {
  const history = createPreferenceHistory(changes);
  /** Otherwise the history would get it back. */
  const forgetLastChange = (_id: string) => collection.updateOne({ _id }, { $unset: { lastChange: "" } });
  const floorOf = async (app: string) => (await collection.findOne({ _id: floorKeyOf(app) }, { projection: { version: 1 } }))?.version;
  const raiseFloor = (app: string, version: number) =>
    collection.updateOne({ _id: floorKeyOf(app) }, { $max: { version } }, { upsert: true });

  return {
    find: (app, subjects) =>
      asStoreError("find preferences", async () => {
        if (subjects.length === 0) return [];
        const ids = subjects.map((subject) => keyOf(app, subject));
        return (await collection.find({ _id: { $in: ids } }, { projection }).toArray()).map(decode);
      }),

    update: (app, subject, change, now) =>
      asStoreError("update preferences", async () => {
        const _id = keyOf(app, subject);
        for (let tries = 1; tries <= UPDATE_TRIES_MAX; tries++) {
          const stored = await collection.findOne({ _id });
          const before = stored ? decode(stored) : undefined;
          if (isOutdated(change, before)) return { ...(before ?? noPreferences(app, subject)), outdated: true as const };
          const record = applyChange(before, { app, subject, change, now, floor: before ? undefined : await floorOf(app) });
          if (!record) return { ...(before ?? noPreferences(app, subject)), tooMany: true as const };
          if (stored?.lastChange) await history.put(_id, stored.lastChange);
          const written = writePreference(record);
          if (await replace(collection, _id, before?.version, written)) {
            await history.put(_id, written.lastChange);
            return record;
          }
          await delay(Math.random() * UPDATE_PAUSE_MS);
        }
        throw new StoreError(`MongoDB, update preferences: ${UPDATE_TRIES_MAX} tries met other writers`);
      }),

    history: (app, subject, beforeVersion, limit) =>
      asStoreError("read the history of preferences", async () => {
        const _id = keyOf(app, subject);
        const stored = await collection.findOne({ _id }, { projection: { lastChange: 1 } });
        if (stored?.lastChange) await history.put(_id, stored.lastChange);
        const found = await history.before(_id, beforeVersion, limit);
        return found.map((entry) => ({ app, subject, ...entry }));
      }),

    remove: (app, subject, ifVersion) =>
      asStoreError("remove preferences", async () => {
        const _id = keyOf(app, subject);
        const found = await collection.findOne({ _id }, { projection: { version: 1 } });
        if (ifVersion !== undefined && found?.version !== ifVersion) return false;
        if (found) await raiseFloor(app, found.version);
        await forgetLastChange(_id);
        await history.remove(_id);
        return found !== null && (await collection.deleteOne({ _id, version: found.version })).deletedCount > 0;
      }),

    removeHistory: (app, subject) =>
      asStoreError("remove the history of preferences", async () => {
        const _id = keyOf(app, subject);
        await forgetLastChange(_id);
        return history.remove(_id);
      }),

    purgeHistory: (before, limit) => asStoreError("purge the history of preferences", () => history.purge(before, limit)),

    async *changedSince(updatedAt) {
      try {
        const sort = { updatedAt: 1, _id: 1 } as const;
        for await (const document of collection.find({ updatedAt: { $gte: updatedAt } }, { projection, sort, batchSize: BATCH_ROWS }))
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
  stored: StoredPreference,
): Promise<boolean> {
  if (version !== undefined) return (await collection.replaceOne({ _id, version }, stored)).matchedCount === 1;
  try {
    await collection.insertOne({ _id, ...stored });
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

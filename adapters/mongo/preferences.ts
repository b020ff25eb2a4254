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
  /** The history was removed up to this version: a writer that comes late must not put back what it had of it. */
  forgottenTo?: number;
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
const forgottenOf = (forgottenTo: number | undefined) => (forgottenTo === undefined ? {} : { forgottenTo });
/** What no reader needs. */
const projection = { lastChange: 0, forgottenTo: 0 } as const;

/**
 * A record holds its last change, and the history gets it afterwards. Where a process died between the two, whoever replaces the record next, or reads the
 * history, writes it there first. The history may be removed at any moment between these steps: it is so up to the version that the record had, and no later
 * change goes with it; and who wrote an entry looks afterwards whether it should have gone.
 */
export function createPreferenceStore(
  collection: Collection<PreferenceDocument>,
  changes: Collection<PreferenceChangeDocument>,
): PreferenceStore {
  const history = createPreferenceHistory(changes);
  /** Before its history is removed up to this version. False where the record has another one by now. */
  const forget = async (_id: string, version: number) =>
    (await collection.updateOne({ _id, version }, { $unset: { lastChange: "" }, $set: { forgottenTo: version } })).matchedCount === 1;

  /** After entries were written, of versions from `first` to `last`. */
  async function removeForgotten(_id: string, first: number, last = first): Promise<void> {
    const record = await collection.findOne({ _id }, { projection: { forgottenTo: 1 } });
    const upTo = record ? (record.forgottenTo ?? 0) : last;
    if (first <= upTo) await history.remove(_id, upTo);
  }

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
        let first: number | undefined;
        for (let tries = 1; tries <= UPDATE_TRIES_MAX; tries++) {
          const stored = await collection.findOne({ _id });
          const before = stored ? decode(stored) : undefined;
          if (isOutdated(change, before)) return { ...(before ?? noPreferences(app, subject)), outdated: true as const };
          const floor = before ? undefined : await floorOf(app);
          const record = applyChange(before, { app, subject, change, now, floor });
          if (!record) return { ...(before ?? noPreferences(app, subject)), tooMany: true as const };
          if (stored?.lastChange) {
            await history.put(_id, stored.lastChange);
            first ??= stored.lastChange.version;
          }
          const written = { ...writePreference(record), ...forgottenOf(stored ? stored.forgottenTo : floor) };
          if (await replace(collection, _id, stored, written)) {
            await history.put(_id, written.lastChange);
            await removeForgotten(_id, first ?? record.version, record.version);
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
        if (stored?.lastChange) {
          await history.put(_id, stored.lastChange);
          await removeForgotten(_id, stored.lastChange.version);
        }
        const found = await history.before(_id, beforeVersion, limit);
        return found.map((entry) => ({ app, subject, ...entry }));
      }),

    remove: (app, subject, ifVersion) =>
      asStoreError("remove preferences", async () => {
        const _id = keyOf(app, subject);
        const found = await collection.findOne({ _id }, { projection: { version: 1 } });
        if (ifVersion !== undefined && found?.version !== ifVersion) return false;
        if (!found) return false;
        const { version } = found;
        await raiseFloor(app, version);
        if (!(await forget(_id, version))) return false;
        await history.remove(_id, version);
        return (await collection.deleteOne({ _id, version })).deletedCount > 0;
      }),

    removeHistory: (app, subject) =>
      asStoreError("remove the history of preferences", async () => {
        const _id = keyOf(app, subject);
        for (let tries = 1; tries <= UPDATE_TRIES_MAX; tries++) {
          const found = await collection.findOne({ _id }, { projection: { version: 1 } });
          // Without a record: what a writer that died left, up to what was removed.
          if (!found) return history.remove(_id, (await floorOf(app)) ?? 0);
          if (await forget(_id, found.version)) return history.remove(_id, found.version);
        }
        throw new StoreError(`MongoDB, remove the history of preferences: ${UPDATE_TRIES_MAX} tries met other writers`);
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

/** False if another writer changed the record, or its history was removed, since `before` was read. */
async function replace(
  collection: Collection<PreferenceDocument>,
  _id: string,
  before: PreferenceDocument | null,
  stored: Omit<PreferenceDocument, "_id">,
): Promise<boolean> {
  if (before) {
    const { version, forgottenTo = { $exists: false } } = before;
    return (await collection.replaceOne({ _id, version, forgottenTo }, stored)).matchedCount === 1;
  }
  try {
    await collection.insertOne({ _id, ...stored });
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

import type { Collection, Filter } from "mongodb";
import type { PreferenceStore, UpdatedPreference } from "../../core/ports/preference-store.ts";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import { applyChange, isOutdated } from "../../core/preferences/change.ts";
import { noPreferences, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { listenersOf } from "../../core/webhooks/event.ts";
import { readPreference, type StoredPreference, writePreference } from "../store/stored.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { createPreferenceHistory, type PreferenceChangeDocument } from "./preference-history.ts";
import { replaceVersion, retryWrite } from "./replace-version.ts";
import { createWebhookEvents, type Untold, type WebhookEventDocument } from "./webhook-events.ts";
import type { WebhookEndpointsDocument } from "./webhooks.ts";

export interface PreferenceDocument extends StoredPreference {
  _id: string;
  /** The history was removed up to this version: a writer that comes late must not put back what it had of it. */
  forgottenTo?: number;
  /** Absent: the events of the last change were made, or nobody is told. */
  untold?: Untold | undefined;
}

const UPDATE_TRIES = { triesMax: 40, pauseMs: 20 };
/** Documents a cursor fetches at once. */
const BATCH_ROWS = 500;

const keyOf = (app: string, subject: string) => JSON.stringify([app, subject]);
/**
 * Of an app's document that says above which version a new record begins: the largest that a removed one had. No record has such a key, and without `updatedAt` it
 * is not listed as one.
 */
const floorKeyOf = (app: string) => JSON.stringify([app]);
const decode = ({ _id, untold: _untold, ...stored }: PreferenceDocument): PreferenceRecord => readPreference(stored);
const forgottenOf = (forgottenTo: number | undefined) => (forgottenTo === undefined ? {} : { forgottenTo });
/** Leaves out the fields that no reader needs. */
const projection = { lastChange: 0, forgottenTo: 0, untold: 0 } as const;

/**
 * A record holds its last change, and the history gets it afterwards; then its events for webhooks are made, while the record says in `untold` whom they are for.
 * Where a process died between these steps, the next writer of the record does both first, a reader of the history writes the entry, and recover() finds the
 * record. History and events may also be removed between these steps. A removal takes those up to the version that the record has, and no later ones; whoever
 * wrote an entry or an event looks afterwards whether a removal included it, and then removes it too.
 */
export function createPreferenceStore(
  collection: Collection<PreferenceDocument>,
  changes: Collection<PreferenceChangeDocument>,
  { endpoints, events }: { endpoints: Collection<WebhookEndpointsDocument>; events: Collection<WebhookEventDocument> },
): PreferenceStore & Pick<WebhookStore, "recover"> {
  const history = createPreferenceHistory(changes);
  const webhookEvents = createWebhookEvents(events);
  const listeners = async (app: string, subject: string) => listenersOf((await endpoints.findOne({ _id: app }))?.endpoints ?? [], subject);

  /** Writes what follows from a stored record: its history entry, then its events. May be called again. */
  async function follow(_id: string, { app, subject, lastChange, untold }: Omit<PreferenceDocument, "_id">): Promise<void> {
    if (!lastChange) return;
    await history.put(_id, lastChange);
    if (untold) await webhookEvents.add(app, subject, lastChange, untold.endpoints);
  }

  /** Before its history is removed up to this version. False where the record has another one by now. */
  async function forget(_id: string, version: number): Promise<boolean> {
    const forgotten = { $unset: { lastChange: "", untold: "" }, $set: { forgottenTo: version } } as const;
    return (await collection.updateOne({ _id, version }, forgotten)).matchedCount === 1;
  }

  /** The history up to this version, and what webhooks would tell of it. Resolves with how many entries the history had. */
  async function removeUpTo(app: string, subject: string, version: number): Promise<number> {
    await webhookEvents.remove(app, subject, version);
    return history.remove(keyOf(app, subject), version);
  }

  /** For after entries of versions from `first` to `last` were written: removes those that a removal included. */
  async function removeForgotten(app: string, subject: string, first: number, last = first): Promise<void> {
    const record = await collection.findOne({ _id: keyOf(app, subject) }, { projection: { forgottenTo: 1 } });
    const upTo = record ? (record.forgottenTo ?? 0) : last;
    if (first <= upTo) await removeUpTo(app, subject, upTo);
  }

  /**
   * Does what follows from a record that was just stored, or whose process died, and then removes what was forgotten meanwhile.
   * @param first the lowest version of which this call wrote entries
   */
  async function complete(_id: string, stored: Omit<PreferenceDocument, "_id">, first = stored.version): Promise<void> {
    const { app, subject, version, untold } = stored;
    await follow(_id, stored);
    if (untold) await collection.updateOne({ _id, version }, { $unset: { untold: "" } });
    await removeForgotten(app, subject, first, version);
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

    update(app, subject, change, now) {
      const _id = keyOf(app, subject);
      let first: number | undefined;
      return retryWrite<UpdatedPreference>("update preferences", UPDATE_TRIES, async () => {
        const [stored, told] = await Promise.all([collection.findOne({ _id }), listeners(app, subject)]);
        const before = stored ? decode(stored) : undefined;
        if (isOutdated(change, before)) return { ...(before ?? noPreferences(app, subject)), outdated: true };
        const floor = before ? undefined : await floorOf(app);
        const record = applyChange(before, { app, subject, change, now, floor });
        if (!record) return { ...(before ?? noPreferences(app, subject)), tooMany: true };
        if (stored) await follow(_id, stored);
        first ??= stored?.lastChange?.version;
        const untold = told.length > 0 ? { untold: { at: now, endpoints: told } } : {};
        const written = { ...writePreference(record), ...forgottenOf(stored ? stored.forgottenTo : floor), ...untold };
        if (!(await replaceVersion(collection, _id, stored ? readAs(stored) : undefined, written))) return undefined;
        await complete(_id, written, first);
        return record;
      });
    },

    history: (app, subject, beforeVersion, limit) =>
      asStoreError("read the history of preferences", async () => {
        const _id = keyOf(app, subject);
        const stored = await collection.findOne({ _id }, { projection: { lastChange: 1 } });
        if (stored?.lastChange) {
          await history.put(_id, stored.lastChange);
          await removeForgotten(app, subject, stored.lastChange.version);
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
        await removeUpTo(app, subject, version);
        return (await collection.deleteOne({ _id, version })).deletedCount > 0;
      }),

    removeHistory: (app, subject) =>
      retryWrite("remove the history of preferences", UPDATE_TRIES, async () => {
        const _id = keyOf(app, subject);
        const found = await collection.findOne({ _id }, { projection: { version: 1 } });
        // Without a record: what a writer that died left, up to what was removed.
        if (!found) return removeUpTo(app, subject, (await floorOf(app)) ?? 0);
        return (await forget(_id, found.version)) ? removeUpTo(app, subject, found.version) : undefined;
      }),

    recover: (before, limit) =>
      asStoreError("recover webhook events", async () => {
        if (limit <= 0) return 0;
        const found = await collection.find({ "untold.at": { $lt: before } }, { limit }).toArray();
        for (const { _id, ...stored } of found) await complete(_id, stored);
        return found.length;
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

/** Finds the record as it was read: unchanged, and with all of its history that it had. */
const readAs = ({ version, forgottenTo }: PreferenceDocument): Filter<PreferenceDocument> =>
  forgottenTo === undefined ? { version, forgottenTo: { $exists: false } } : { version, forgottenTo };

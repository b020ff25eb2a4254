import { setTimeout as delay } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import { applyChange, isOutdated } from "../../core/preferences/change.ts";
import { noPreferences, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { listenersOf } from "../../core/webhooks/event.ts";
import { StoreError } from "../store/store-error.ts";
import { readPreference, type StoredPreference, writePreference } from "../store/stored.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { createPreferenceHistory, type PreferenceChangeDocument } from "./preference-history.ts";
import { replaceVersion } from "./replace-version.ts";
import { createWebhookEvents, type Untold, type WebhookEventDocument } from "./webhook-events.ts";
import type { WebhookEndpointsDocument } from "./webhooks.ts";

export interface PreferenceDocument extends StoredPreference {
  _id: string;
  /** Absent: the events of the last change were made, or nobody is told. */
  untold?: Untold | undefined;
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
const decode = ({ _id, untold: _untold, ...stored }: PreferenceDocument): PreferenceRecord => readPreference(stored);
/** What no reader needs. */
const projection = { lastChange: 0, untold: 0 } as const;

/**
 * A record holds its last change, and the history gets it afterwards; then its events for webhooks are made, while the record says in `untold` whom they are for.
 * Where a process died between, whoever replaces the record next does both first, whoever reads the history writes it there, and recover() finds the record.
 */
export function createPreferenceStore(
  collection: Collection<PreferenceDocument>,
  changes: Collection<PreferenceChangeDocument>,
  { endpoints, events }: { endpoints: Collection<WebhookEndpointsDocument>; events: Collection<WebhookEventDocument> },
): PreferenceStore & Pick<WebhookStore, "recover"> {
  const history = createPreferenceHistory(changes);
  const webhookEvents = createWebhookEvents(events);
  /** Otherwise the history would get it back, and webhooks the events. */
  const forgetLastChange = (_id: string) => collection.updateOne({ _id }, { $unset: { lastChange: "", untold: "" } });
  const listeners = async (app: string, subject: string) => listenersOf((await endpoints.findOne({ _id: app }))?.endpoints ?? [], subject);
  /** What follows from a stored record; once, however often it is called. */
  async function follow(_id: string, { app, subject, lastChange, untold }: Omit<PreferenceDocument, "_id">): Promise<void> {
    if (!lastChange) return;
    await history.put(_id, lastChange);
    if (untold) await webhookEvents.add(app, subject, lastChange, untold.endpoints);
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
        for (let tries = 1; tries <= UPDATE_TRIES_MAX; tries++) {
          const [stored, told] = await Promise.all([collection.findOne({ _id }), listeners(app, subject)]);
          const before = stored ? decode(stored) : undefined;
          if (isOutdated(change, before)) return { ...(before ?? noPreferences(app, subject)), outdated: true as const };
          const record = applyChange(before, { app, subject, change, now, floor: before ? undefined : await floorOf(app) });
          if (!record) return { ...(before ?? noPreferences(app, subject)), tooMany: true as const };
          if (stored) await follow(_id, stored);
          const written = { ...writePreference(record), ...(told.length > 0 && { untold: { at: now, endpoints: told } }) };
          if (await replaceVersion(collection, _id, before?.version, written)) {
            await follow(_id, written);
            if (told.length > 0) await collection.updateOne({ _id, version: record.version }, { $unset: { untold: "" } });
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
        if (stored) await follow(_id, stored);
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
        await webhookEvents.remove(app, subject);
        return found !== null && (await collection.deleteOne({ _id, version: found.version })).deletedCount > 0;
      }),

    removeHistory: (app, subject) =>
      asStoreError("remove the history of preferences", async () => {
        const _id = keyOf(app, subject);
        await forgetLastChange(_id);
        await webhookEvents.remove(app, subject);
        return history.remove(_id);
      }),

    recover: (before, limit) =>
      asStoreError("recover webhook events", async () => {
        if (limit <= 0) return 0;
        const found = await collection.find({ "untold.at": { $lt: before } }, { limit }).toArray();
        for (const { _id, ...stored } of found) {
          await follow(_id, stored);
          const { version, app, subject } = stored;
          const done = await collection.updateOne({ _id, version, untold: { $exists: true } }, { $unset: { untold: "" } });
          if (done.matchedCount === 1 || (await collection.findOne({ _id, lastChange: { $exists: true } }, { projection: { _id: 1 } })))
            continue;
          // It was erased meanwhile.
          await history.remove(_id);
          await webhookEvents.remove(app, subject);
        }
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

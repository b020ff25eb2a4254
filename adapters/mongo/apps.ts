import { setTimeout as delay } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { StoreError } from "../store/store-error.ts";
import { readApp, type StoredApp, writeApp } from "../store/stored-app.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { replaceVersion } from "./replace-version.ts";

export interface AppDocument extends Omit<StoredApp, "id"> {
  _id: string;
}

/** Of several writers one gets through at each round, so this many may change one app at the same moment. */
const CHANGE_TRIES_MAX = 100;
/** Longest random pause before reading again, in ms: so that the losers of one round do not all meet in the next. */
const CHANGE_PAUSE_MS = 40;

const decode = ({ _id, ...stored }: AppDocument): AppRecord => readApp({ id: _id, ...stored });

export function createAppStore(collection: Collection<AppDocument>): AppStore {
  const find = async (id: string) => {
    const stored = await collection.findOne({ _id: id });
    return stored ? decode(stored) : undefined;
  };
  return {
    find: (id) => asStoreError("find app", () => find(id)),

    findByKeyHash: (keyHash) =>
      asStoreError("find app by key", async () => {
        // The second is for apps that an earlier version wrote.
        const stored = await collection.findOne({ $or: [{ "keys.hash": keyHash }, { keys: { $exists: false }, keyHashes: keyHash }] });
        return stored ? decode(stored) : undefined;
      }),

    async *list() {
      try {
        for await (const stored of collection.find({}, { sort: { _id: 1 } })) yield decode(stored);
      } catch (error) {
        throw toStoreError("list apps", error);
      }
    },

    change: (id, edit) =>
      asStoreError("change app", async () => {
        for (let tries = 1; tries <= CHANGE_TRIES_MAX; tries++) {
          const before = await find(id);
          const app: AppRecord = { ...edit(before), id, version: (before?.version ?? 0) + 1 };
          const { id: _id, ...stored } = writeApp(app);
          // Apps of earlier versions have no version.
          const asRead = before && { version: before.version === 0 ? { $exists: false } : before.version };
          if (await replaceVersion(collection, id, asRead, stored)) return app;
          await delay(Math.random() * CHANGE_PAUSE_MS);
        }
        throw new StoreError(`MongoDB, change app: ${CHANGE_TRIES_MAX} tries met other writers`);
      }),
  };
}

import type { Collection } from "mongodb";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { readApp, type StoredApp, writeApp } from "../store/stored-app.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { replaceVersion, retryWrite } from "./replace-version.ts";

export interface AppDocument extends Omit<StoredApp, "id"> {
  _id: string;
}

const CHANGE_TRIES = { triesMax: 100, pauseMs: 40 };

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
      retryWrite("change app", CHANGE_TRIES, async () => {
        const before = await find(id);
        const app: AppRecord = { ...edit(before), id, version: (before?.version ?? 0) + 1 };
        const { id: _id, ...stored } = writeApp(app);
        // Apps of earlier versions have no version.
        const asRead = before && { version: before.version === 0 ? { $exists: false } : before.version };
        return (await replaceVersion(collection, id, asRead, stored)) ? app : undefined;
      }),
  };
}

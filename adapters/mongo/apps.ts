import { type Collection, MongoServerError } from "mongodb";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";

export interface AppDocument extends Omit<AppRecord, "id"> {
  _id: string;
}

const decode = (document: AppDocument | null): AppRecord | undefined => {
  if (!document) return undefined;
  const { _id, ...rest } = document;
  return { id: _id, ...rest };
};

export function createAppStore(collection: Collection<AppDocument>): AppStore {
  return {
    put: ({ id, ...app }) =>
      asStoreError("put app", async () => {
        const replace = () => collection.replaceOne({ _id: id }, app, { upsert: true });
        await replace().catch((error: unknown) => {
          // Another inserted it at the same moment: now there is one to replace.
          if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return replace();
          throw error;
        });
      }),
    find: (id) => asStoreError("find app", async () => decode(await collection.findOne({ _id: id }))),
    findByKeyHash: (keyHash) => asStoreError("find app by key", async () => decode(await collection.findOne({ keyHashes: keyHash }))),
  };
}

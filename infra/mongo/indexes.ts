import { isDeepStrictEqual } from "node:util";
import type { Db, Document } from "mongodb";
import { StoreError } from "../store-error.ts";
import { asStoreError } from "./errors.ts";

interface Index {
  collection: string;
  name: string;
  key: Record<string, 1>;
  partialFilterExpression?: Document;
}

/** Besides `_id`. A change gets a new name, so that old and new processes run side by side. */
const INDEXES: readonly Index[] = [
  // Holds only what has not ended, so that it stays small however many were ever sent.
  { collection: "notifications", name: "outbox", key: { lane: 1, due: 1 }, partialFilterExpression: { due: { $exists: true } } },
  { collection: "contacts", name: "user", key: { app: 1, userId: 1 } },
  { collection: "preferences", name: "changed", key: { updatedAt: 1, _id: 1 } },
  { collection: "apps", name: "key", key: { keyHashes: 1 } },
];

/** Creates what is missing and reads all back: without the outbox's index every look for due work would read the collection. */
export async function ensureIndexes(db: Db): Promise<void> {
  for (const { collection, ...index } of INDEXES) {
    await asStoreError(`create index ${index.name} of ${collection}`, () => db.collection(collection).createIndexes([index]));
    const found = await asStoreError(`list indexes of ${collection}`, () => db.collection(collection).indexes());
    if (!found.some((f) => isSame(f, index)))
      throw new StoreError(`MongoDB: ${collection} has no index ${index.name} as it should be; drop one of that name and start again`);
  }
}

const isSame = (found: Document, wanted: Omit<Index, "collection">) =>
  found.name === wanted.name &&
  JSON.stringify(found.key) === JSON.stringify(wanted.key) &&
  isDeepStrictEqual(found.partialFilterExpression, wanted.partialFilterExpression);

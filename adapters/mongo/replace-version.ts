import { type Collection, type Filter, MongoServerError, type OptionalUnlessRequiredId, type WithoutId } from "mongodb";
import { DUPLICATE_KEY } from "./errors.ts";

/**
 * Replaces a document as it was read, or inserts it; false where another writer was first.
 * @param before finds the document in the state in which it was read; undefined: there was none
 */
export async function replaceVersion<T extends { _id: string }>(
  collection: Collection<T>,
  _id: string,
  before: Filter<T> | undefined,
  next: WithoutId<T>,
): Promise<boolean> {
  if (before) return (await collection.replaceOne({ ...before, _id } as Filter<T>, next)).matchedCount === 1;
  try {
    await collection.insertOne({ _id, ...next } as unknown as OptionalUnlessRequiredId<T>);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

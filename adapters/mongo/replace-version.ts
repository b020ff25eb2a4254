import { type Collection, type Filter, MongoServerError, type OptionalUnlessRequiredId, type WithoutId } from "mongodb";
import { DUPLICATE_KEY } from "./errors.ts";

/** Counts the changes of a document. */
interface Versioned {
  _id: string;
  version?: number | undefined;
}

/**
 * Replaces a document as it was read, or inserts it; false where another writer was first.
 * @param version as it was read, or that it had none; undefined: there was no document
 */
export async function replaceVersion<T extends Versioned>(
  collection: Collection<T>,
  _id: string,
  version: number | { $exists: false } | undefined,
  next: WithoutId<T>,
): Promise<boolean> {
  if (version !== undefined) return (await collection.replaceOne({ _id, version } as unknown as Filter<T>, next)).matchedCount === 1;
  try {
    await collection.insertOne({ _id, ...next } as unknown as OptionalUnlessRequiredId<T>);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { type Collection, type Filter, MongoServerError, type OptionalUnlessRequiredId, type WithoutId } from "mongodb";
import { StoreError } from "../store/store-error.ts";
import { asStoreError, DUPLICATE_KEY } from "./errors.ts";

/** How often a write is tried while others write the same document. */
export interface WriteTries {
  /** Of several writers one gets through at each round, so this many may write at the same moment. */
  triesMax: number;
  /** Longest random pause before the next try, in ms: so that the losers of one round do not all meet in the next. */
  pauseMs: number;
}

/**
 * Reads and writes again while another writer was first. Rejects with a StoreError after the last try.
 * @param what as asStoreError() has it
 * @param write resolves with undefined where another writer was first
 */
export const retryWrite = <T>(what: string, { triesMax, pauseMs }: WriteTries, write: () => Promise<T | undefined>): Promise<T> =>
  asStoreError(what, async () => {
    for (let tries = 1; tries <= triesMax; tries++) {
      const written = await write();
      if (written !== undefined) return written;
      await delay(Math.random() * pauseMs);
    }
    throw new StoreError(`MongoDB, ${what}: ${triesMax} tries met other writers`);
  });

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

import { randomBytes } from "node:crypto";
import {
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type OptionalUnlessRequiredId,
  type Sort,
  type UpdateFilter,
} from "mongodb";
import { duplicatesOf } from "./errors.ts";

/** A unique token: a document that holds it was written by this call. */
export const newToken = () => randomBytes(9).toString("base64url");

/** Inserts in one unordered call; returns for each document whether it is new. Ids must differ. */
export async function insertNew<T extends Document>(
  collection: Collection<T>,
  documents: readonly OptionalUnlessRequiredId<T>[],
): Promise<boolean[]> {
  if (documents.length === 0) return [];
  try {
    await collection.insertMany(documents, { ordered: false });
    return documents.map(() => true);
  } catch (error) {
    const duplicates = error instanceof MongoBulkWriteError ? duplicatesOf(error) : undefined;
    if (!duplicates) throw error;
    return documents.map((_, i) => !duplicates.has(i));
  }
}

/** Deletes the first `limit` documents of this order that match the filter. Resolves with how many it deleted. */
export async function deleteFirst<T extends { _id: string }>(
  collection: Collection<T>,
  filter: Filter<T>,
  sort: Sort,
  limit: number,
): Promise<number> {
  // A limit of 0 would be none.
  if (limit <= 0) return 0;
  const found = await collection.find(filter, { projection: { _id: 1 }, sort, limit }).toArray();
  if (found.length === 0) return 0;
  const ids = { _id: { $in: found.map(({ _id }) => _id) } } as Filter<T>;
  return (await collection.deleteMany(ids)).deletedCount;
}

/**
 * Sends conditional updateOnes as one unordered call; resolves with whether every one matched. The server only counts the matches: where some are
 * missing, the caller reads its tokens back to learn which. In the order of their ids, so that calls with the same documents cannot deadlock on a server
 * that locks documents until the call ends.
 */
export async function updateAll<T extends Document>(collection: Collection<T>, updates: readonly UpdateById<T>[]): Promise<boolean> {
  if (updates.length === 0) return true;
  const sorted = updates.toSorted((a, b) => (a.updateOne.filter._id < b.updateOne.filter._id ? -1 : 1));
  const { matchedCount } = await collection.bulkWrite(sorted, { ordered: false });
  return matchedCount === updates.length;
}

/** An update of one document, made only where the rest of the filter matches too. */
export interface UpdateById<T extends Document> {
  updateOne: { filter: Filter<T> & { _id: string }; update: UpdateFilter<T> | Document[] };
}

/** Groups positions into rounds, none of which has a key twice: writes to one key keep their order, the others share a round trip. */
export function inRounds<T>(items: readonly T[], keyOf: (item: T) => string): number[][] {
  const seen = new Map<string, number>();
  const rounds: number[][] = [];
  for (const [i, item] of items.entries()) {
    const round = seen.get(keyOf(item)) ?? 0;
    seen.set(keyOf(item), round + 1);
    rounds[round] = [...(rounds[round] ?? []), i];
  }
  return rounds;
}

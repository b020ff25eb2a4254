import type { Collection, Filter } from "mongodb";
import type { AttemptRecord, AttemptStore } from "../../core/ports/attempt-store.ts";
import { readAttempt, type StoredAttempt } from "../store/stored.ts";
import { asStoreError } from "./errors.ts";
import { inRounds, insertNew, newToken, updateAll } from "./writes.ts";

export interface AttemptDocument extends Omit<StoredAttempt, "id"> {
  _id: string;
  /** Token of the call whose outcome stands. */
  recorder?: string | undefined;
  /** Token of the call whose resolution stands. */
  resolver?: string | undefined;
}

/** The attempt to which a provider's message belongs. */
export interface AttributionDocument {
  /** provider, "/", its reference. */
  _id: string;
  attempt: string;
}

export const decodeAttempt = ({ _id, recorder: _recorder, resolver: _resolver, ...rest }: AttemptDocument): AttemptRecord =>
  readAttempt({ id: _id, ...rest });

export function createAttemptStore(collection: Collection<AttemptDocument>, attributions: Collection<AttributionDocument>): AttemptStore {
  return {
    claim: (attempts) =>
      asStoreError("claim attempts", async () => {
        const firsts = new Map<string, number>();
        for (const [i, { id }] of attempts.entries()) if (!firsts.has(id)) firsts.set(id, i);
        const positions = [...firsts.values()];
        const isNew = await insertNew(
          collection,
          positions.map((i) => {
            const { id, ...rest } = attempts[i]!;
            return { _id: id, ...rest };
          }),
        );
        const claimed = new Set(positions.filter((_, p) => isNew[p]));
        return attempts.map((_, i) => claimed.has(i));
      }),

    record: (results) =>
      asStoreError("record outcomes", () =>
        writeOnce(collection, "recorder", results, ({ id, worker, outcome, answeredAt }) => ({
          filter: { _id: id, outcome: { $exists: false }, ...(worker === undefined ? {} : { worker }) },
          set: { outcome, answeredAt },
        })),
      ),

    resolve: (results) =>
      asStoreError("resolve outcomes", () =>
        writeOnce(collection, "resolver", results, ({ id, resolution }) => ({
          filter: {
            _id: id,
            resolution: { $exists: false },
            $or: [{ outcome: { $exists: false } }, { "outcome.kind": "unanswered" }],
          },
          set: { resolution },
        })),
      ),

    attribute: (provider, providerRef, attempt) =>
      asStoreError("attribute a reference", async () => {
        const _id = `${provider}/${providerRef}`;
        await insertNew(attributions, [{ _id, attempt }]);
        const holders = await collection.find(holdersOf(provider, providerRef), { projection: { _id: 1 }, limit: 2 }).toArray();
        const other = holders.find((document) => document._id !== attempt);
        // The other attempt may ask at the same moment, and must get it.
        if (other) await attributions.updateOne({ _id, attempt }, { $set: { attempt: other._id } });
        return (await attributions.findOne({ _id }))?.attempt === attempt;
      }),

    find: (ids) =>
      asStoreError("find attempts", async () => {
        if (ids.length === 0) return [];
        return (await collection.find({ _id: { $in: [...ids] } }).toArray()).map(decodeAttempt);
      }),

    withReference: (providerRef, limit) =>
      asStoreError("find attempts by reference", async () => {
        if (limit <= 0) return [];
        const here = { $exists: true, $eq: providerRef };
        const either = await Promise.all(
          ["outcome.providerRef", "resolution.outcome.providerRef"].map((path) =>
            collection.find({ [path]: here } as Filter<AttemptDocument>, { projection: { _id: 1 }, limit }).toArray(),
          ),
        );
        return [...new Set(either.flat().map(({ _id }) => _id))].slice(0, limit);
      }),

    between: (first, last) =>
      asStoreError("read attempts", async () => {
        // A hyphen follows the notification's id; a tilde sorts behind it.
        const within = { _id: { $gte: first, $lt: `${last}~` } };
        return (await collection.find(within, { sort: { _id: 1 } }).toArray()).map(decodeAttempt);
      }),
  };
}

/** Attempts known to have this reference. Each part repeats the condition of its partial index, so that the query uses it. */
function holdersOf(provider: string, providerRef: string): Filter<AttemptDocument> {
  const here = { $exists: true, $eq: providerRef };
  return {
    $or: [
      { provider, "outcome.providerRef": here },
      { provider, "resolution.outcome.providerRef": here },
    ],
  };
}

interface Write {
  filter: Filter<AttemptDocument> & { _id: string };
  set: Partial<AttemptDocument>;
}

type Mark = "recorder" | "resolver";

/** Writes a field that is written once; returns for each whether this call wrote it. Writes to one attempt are made one after the other. */
async function writeOnce<T extends { id: string }>(
  collection: Collection<AttemptDocument>,
  mark: Mark,
  results: readonly T[],
  writeOf: (result: T) => Write,
): Promise<boolean[]> {
  const written: boolean[] = results.map(() => false);
  for (const round of inRounds(results, (result) => result.id)) {
    const token = newToken();
    const updates = round.map((i) => {
      const { filter, set } = writeOf(results[i]!);
      return { updateOne: { filter, update: { $set: { ...set, [mark]: token } } } };
    });
    const ids = round.map((i) => results[i]!.id);
    const ours = (await updateAll(collection, updates)) ? new Set(ids) : await markedWith(collection, mark, token, ids);
    for (const i of round) written[i] = ours.has(results[i]!.id);
  }
  return written;
}

/** The first write stays, and so does its token, so that this read is not out of date. */
async function markedWith(collection: Collection<AttemptDocument>, mark: Mark, token: string, ids: string[]): Promise<Set<string>> {
  const documents = await collection.find({ _id: { $in: ids }, [mark]: token }, { projection: { _id: 1 } }).toArray();
  return new Set(documents.map((document) => document._id));
}

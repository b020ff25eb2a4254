import type { Collection } from "mongodb";
import type { AttemptRecord, AttemptStore } from "../../core/ports/attempt-store.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { inRounds, insertNew, newToken, updateAll } from "./writes.ts";

export interface AttemptDocument extends Omit<AttemptRecord, "id"> {
  _id: string;
  /** Token of the call whose outcome stands. */
  recorder?: string | undefined;
}

type Result = Parameters<AttemptStore["record"]>[0][number];

/** Documents a cursor fetches at once. */
const BATCH_ROWS = 500;

const decode = ({ _id, recorder: _recorder, ...rest }: AttemptDocument): AttemptRecord => ({ id: _id, ...rest });

export function createAttemptStore(collection: Collection<AttemptDocument>): AttemptStore {
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
      asStoreError("record outcomes", async () => {
        const taken: boolean[] = results.map(() => false);
        for (const round of inRounds(results, (result) => result.id)) {
          const answers = await recordRound(
            collection,
            round.map((i) => results[i]!),
          );
          for (const [r, i] of round.entries()) taken[i] = answers[r]!;
        }
        return taken;
      }),

    find: (ids) =>
      asStoreError("find attempts", async () => {
        if (ids.length === 0) return [];
        return (await collection.find({ _id: { $in: [...ids] } }).toArray()).map(decode);
      }),

    async *all() {
      try {
        for await (const document of collection.find({}, { batchSize: BATCH_ROWS })) yield decode(document);
      } catch (error) {
        throw toStoreError("read attempts", error);
      }
    },
  };
}

/** Outcomes of different attempts, in one round trip where all are taken and two where some are not. */
async function recordRound(collection: Collection<AttemptDocument>, results: readonly Result[]): Promise<boolean[]> {
  const recorder = newToken();
  const all = await updateAll(
    collection,
    results.map(({ id, worker, outcome, answeredAt }) => ({
      updateOne: {
        filter: { _id: id, outcome: { $exists: false }, ...(worker === undefined ? {} : { worker }) },
        update: { $set: { outcome, answeredAt, recorder } },
      },
    })),
  );
  if (all) return results.map(() => true);
  // The first outcome stays, and with it its token: this reading cannot be overtaken.
  const ours = await collection.find({ _id: { $in: results.map((r) => r.id) }, recorder }, { projection: { _id: 1 } }).toArray();
  const taken = new Set(ours.map((document) => document._id));
  return results.map(({ id }) => taken.has(id));
}

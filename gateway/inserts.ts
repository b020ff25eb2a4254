import type { Clock } from "../core/ports/clock.ts";
import type { InsertResult } from "../core/ports/notification-store.ts";
import type { Store } from "../core/ports/store.ts";
import { type Batcher, createBatcher } from "../runtime/batch.ts";
import { distinctContents, type Insertion } from "./large-content.ts";

/** Bytes of notifications per insert, where they have many endpoints: some 200 ms of a store's disk. */
const INSERT_BYTES_MAX = 4 * 1_024 ** 2;
/**
 * Longest wait of a record for its insert: half of a call's longest duration. The caller's times were checked before the wait; a record
 * inserted after the caller gave up could hold times that are no longer valid.
 */
const INSERT_WAIT_MS = 5_000;

export interface InsertionOfApp extends Insertion {
  bytes: number;
  /** The app's turn takes this many insertions. */
  weight: number;
}

/** Inserts what many calls bring in few round trips, of each app in turn. */
export const createInserts = (
  store: Pick<Store, "notifications" | "contents">,
  { waitingMax, clock }: { waitingMax: number; clock: Clock },
): Batcher<InsertionOfApp, InsertResult> => {
  const { itemsMax: batchMax, concurrency } = store.notifications.inserting;
  return createBatcher(
    async (insertions: readonly InsertionOfApp[]) => {
      // Contents first, so that every stored reference is valid. A crash in between leaves an unreferenced content, which a purge removes.
      const contents = distinctContents(insertions);
      if (contents.length > 0) await store.contents.put(contents);
      return store.notifications.insert(insertions.map(({ record }) => record));
    },
    { batchMax, concurrency, batchBytesMax: INSERT_BYTES_MAX, waitingMax, waitMaxMs: INSERT_WAIT_MS },
    clock,
    { laneOf: ({ record }) => record.app, weightOf: ({ weight }) => weight, bytesOf: ({ bytes }) => bytes },
  );
};

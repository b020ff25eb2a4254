import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/ports/clock.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { OptOutSets } from "./opt-out-sets.ts";
import { newChain } from "./write-chain.ts";

/** Records written to Redis at once. */
const CHUNK_RECORDS = 500;
/** Reading a chunk takes milliseconds; a store that takes this long counts as unavailable. */
const CHUNK_DEADLINE_MS = 5_000;
/**
 * How far each sweep reads back before the previous one, in ms: covers the time between a change's timestamp and the moment it becomes
 * readable, and clock differences.
 */
export const OVERLAP_MS = 10_000;
/** How long a rebuild holds its lock without renewing it. */
const HOLD_MS = 10_000;

export type RebuildEnd =
  | { kind: "complete"; buckets: number; members: number }
  | { kind: "incomplete"; buckets: number; sealed: number } // some buckets were lost again during the rebuild
  | { kind: "elsewhere" } // another process is rebuilding
  | { kind: "stopped" };

/**
 * Fills every unsealed bucket from the store, then seals it. A bucket that Redis loses during the rebuild loses its mark too and stays
 * unsealed; so do all where another server took over that lacks some of what was filled. Changes during the rebuild are written by the update
 * itself, or by the sweep.
 */
export async function rebuildUnsealed(deps: {
  store: PreferenceStore;
  sets: OptOutSets;
  clock: Clock;
  holder: string;
  signal: AbortSignal;
  mayContinue: () => boolean;
}): Promise<RebuildEnd> {
  const { store, sets, clock, holder, signal, mayContinue } = deps;
  if (!(await sets.holdRebuild(holder, HOLD_MS))) return { kind: "elsewhere" };
  const startedAt = clock.now();
  const mark = randomBytes(8).readBigInt64BE().toString();
  const chain = newChain(`rebuild:${holder}`);
  const buckets = await sets.unsealed();
  const wanted = new Set(buckets);
  await sets.markBuckets(buckets, mark, chain);

  let members = 0;
  if (buckets.length > 0) {
    for await (const records of inChunks(clock, store.changedSince(0), signal)) {
      if (!mayContinue() || !(await sets.holdRebuild(holder, HOLD_MS))) return { kind: "stopped" };
      members += await sets.fill(records, wanted, chain);
    }
    // Changes since the read of the store began.
    for await (const records of inChunks(clock, store.changedSince(startedAt - OVERLAP_MS), signal)) {
      if (!mayContinue()) return { kind: "stopped" };
      await sets.apply(
        records.map((record) => ({ record, withdrawn: [] })),
        chain,
      );
    }
  }
  if (!mayContinue()) return { kind: "stopped" };
  const sealed = await sets.seal(buckets, mark, chain);
  await sets.releaseRebuild(holder);
  return sealed === buckets.length
    ? { kind: "complete", buckets: buckets.length, members }
    : { kind: "incomplete", buckets: buckets.length, sealed };
}

/** Rejects when a chunk takes longer than CHUNK_DEADLINE_MS to come out of the store, or when `signal` aborts. */
export async function* inChunks(
  clock: Clock,
  records: AsyncIterable<PreferenceRecord>,
  signal: AbortSignal,
): AsyncIterable<PreferenceRecord[]> {
  const iterator = records[Symbol.asyncIterator]();
  const nextChunk = async () => {
    const chunk: PreferenceRecord[] = [];
    while (chunk.length < CHUNK_RECORDS) {
      const next = await iterator.next();
      if (next.done) break;
      chunk.push(next.value);
    }
    return chunk;
  };
  try {
    for (;;) {
      const chunk = await withDeadline(nextChunk(), { clock, limitMs: CHUNK_DEADLINE_MS, signal });
      if (chunk.length > 0) yield chunk;
      if (chunk.length < CHUNK_RECORDS) return;
    }
  } finally {
    // Not awaited: a read that is under way may never end.
    iterator.return?.().catch(() => undefined);
  }
}

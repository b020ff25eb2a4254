import { randomBytes } from "node:crypto";
import type { OptOutSets } from "../adapters/redis/opt-out-sets.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { PreferenceStore } from "../core/ports/preference-store.ts";
import type { PreferenceRecord } from "../core/preferences/opt-out.ts";
import { withDeadline } from "../runtime/deadline.ts";

/** Records handed to Redis at once. */
const CHUNK_RECORDS = 500;
/** A read of them takes milliseconds; a store that needs this long is away. */
const CHUNK_DEADLINE_MS = 5_000;
/**
 * How far each sweep looks back beyond the one before, in ms: covers the time between a change's timestamp and its being readable,
 * and clocks that differ.
 */
export const OVERLAP_MS = 10_000;
/** A rebuild that has not been heard of for this long is over. */
const HOLD_MS = 10_000;

export type RebuildEnd =
  | { kind: "complete"; buckets: number; members: number }
  | { kind: "incomplete"; buckets: number; sealed: number } // some were lost again meanwhile
  | { kind: "elsewhere" } // another process is at it
  | { kind: "stopped" };

/**
 * Fills every bucket that is not sealed from the store, then seals it. What is lost while it runs loses the mark with it and stays
 * unsealed; what changes while it runs is written by whoever changes it, or by the sweep.
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
  const buckets = await sets.unsealed();
  const wanted = new Set(buckets);
  await sets.markBuckets(buckets, mark);

  let members = 0;
  if (buckets.length > 0) {
    for await (const records of inChunks(clock, store.changedSince(0), signal)) {
      if (!mayContinue() || !(await sets.holdRebuild(holder, HOLD_MS))) return { kind: "stopped" };
      members += await sets.fill(records, wanted);
    }
    // What changed while the store was read through.
    for await (const records of inChunks(clock, store.changedSince(startedAt - OVERLAP_MS), signal)) {
      if (!mayContinue()) return { kind: "stopped" };
      await sets.apply(records.map((record) => ({ record, withdrawn: [] })));
    }
  }
  if (!mayContinue()) return { kind: "stopped" };
  const sealed = await sets.seal(buckets, mark);
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
    // Not awaited: it would wait for a read that may never end.
    iterator.return?.().catch(() => undefined);
  }
}

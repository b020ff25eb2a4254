import type { OptOut, PreferenceRecord } from "../preferences/opt-out.ts";

/** The store of record for opt-outs: caches and Redis are copies of it. */
export interface PreferenceStore {
  find(app: string, subjects: readonly string[]): Promise<PreferenceRecord[]>;
  /** Applies changeOptOuts() atomically and adds one to the version; creates the record where there is none. Returns it as it is now. */
  update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[], now: number): Promise<PreferenceRecord>;
  /** Records changed at or after `updatedAt`, oldest first. With 0: all. */
  changedSince(updatedAt: number): AsyncIterable<PreferenceRecord>;
}

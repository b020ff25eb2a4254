import type { OptOut, PreferenceRecord } from "../preferences/opt-out.ts";

/** The record as it is now. */
export interface UpdatedPreference extends PreferenceRecord {
  /** The change was not applied, and nothing was written: it would make more opt-outs than there may be (isTooMany). */
  tooMany?: true;
}

/** The store of record for opt-outs: caches and Redis are copies of it. */
export interface PreferenceStore {
  find(app: string, subjects: readonly string[]): Promise<PreferenceRecord[]>;
  /** Applies changeOptOuts() atomically, unless isTooMany(), and adds one to the version; creates the record where there is none. */
  update(app: string, subject: string, optOut: readonly OptOut[], optIn: readonly OptOut[], now: number): Promise<UpdatedPreference>;
  /** Records changed at or after `updatedAt`, oldest first. With 0: all. */
  changedSince(updatedAt: number): AsyncIterable<PreferenceRecord>;
}

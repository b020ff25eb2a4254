import type { ChangeEntry, PreferenceChange } from "../preferences/change.ts";
import type { PreferenceRecord } from "../preferences/opt-out.ts";

/** The record as it is now. */
export interface UpdatedPreference extends PreferenceRecord {
  /** Absent where nothing was written. */
  lastChange?: ChangeEntry;
  /** The change was not applied, and nothing was written: it would make more choices than there may be (isTooMany). */
  tooMany?: true;
  /** The same, because the change was about another version (isOutdated). */
  outdated?: true;
}

/** The store of record for preferences: caches and Redis are copies of it. */
export interface PreferenceStore {
  find(app: string, subjects: readonly string[]): Promise<PreferenceRecord[]>;
  /** Applies applyChange() atomically, unless isOutdated(), and keeps the change in the history; creates the record where there is none. */
  update(app: string, subject: string, change: PreferenceChange, now: number): Promise<UpdatedPreference>;
  /** Changes of a subject before a version, the latest first, at most `limit`. Complete: also where a process died between two writes. */
  history(app: string, subject: string, beforeVersion: number, limit: number): Promise<ChangeEntry[]>;
  /** Records changed at or after `updatedAt`, oldest first. With 0: all. */
  changedSince(updatedAt: number): AsyncIterable<PreferenceRecord>;
}

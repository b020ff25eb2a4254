import type { ChangeEntry, PreferenceChange } from "../preferences/change.ts";
import type { PreferenceRecord } from "../preferences/opt-out.ts";

/** The record after a change. */
export interface UpdatedPreference extends PreferenceRecord {
  /** Absent where nothing was written. */
  lastChange?: ChangeEntry;
  /** The change was not applied, and nothing was written: it would make more choices than there may be (isTooMany). */
  tooMany?: true;
  /** The change was not applied, and nothing was written: it was about another version (isOutdated). */
  outdated?: true;
}

/** The store of record for preferences: caches and Redis are copies of it. */
export interface PreferenceStore {
  /** The records that there are of these subjects, in any order. */
  find(app: string, subjects: readonly string[]): Promise<PreferenceRecord[]>;
  /**
   * Applies applyChange() atomically, unless isOutdated(), keeps the change in the history, and makes its events for the app's webhook endpoints; creates the
   * record where there is none.
   */
  update(app: string, subject: string, change: PreferenceChange, now: number): Promise<UpdatedPreference>;
  /** Changes of a subject before a version, the latest first, at most `limit`. Complete: also where a process died between two writes. */
  history(app: string, subject: string, beforeVersion: number, limit: number): Promise<ChangeEntry[]>;
  /**
   * Removes the record, its history, and its events that were not told yet. No copy may hold anything of it any more: see that its choices were forgotten
   * before. A record that is made afterwards begins above this version, because Redis remembers for a while which version it applied last.
   * @param ifVersion only of this version: where the record has another by now, it stays, and resolves with false. So it does where it is changed meanwhile
   */
  remove(app: string, subject: string, ifVersion?: number): Promise<boolean>;
  /** Removes the history and the events that were not told yet, and leaves the record; resolves with how many changes there were. */
  removeHistory(app: string, subject: string): Promise<number>;
  /** Removes up to `limit` changes of any subject that were made before this moment (ms since the epoch); resolves with how many. */
  purgeHistory(before: number, limit: number): Promise<number>;
  /** Records changed at or after `updatedAt`, oldest first. With 0: all. */
  changedSince(updatedAt: number): AsyncIterable<PreferenceRecord>;
}

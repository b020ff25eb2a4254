import type { PreferenceRecord, Refusal } from "../preferences/opt-out.ts";

export interface PreferenceStore {
  find(app: string, subjects: readonly string[]): Promise<PreferenceRecord[]>;
  /** Applies changeRefusals() atomically and adds one to the version; creates the record where there is none. Returns it as it is now. */
  update(app: string, subject: string, refuse: readonly Refusal[], allow: readonly Refusal[], now: number): Promise<PreferenceRecord>;
  /** Records changed at or after `updatedAt`, oldest first. With 0: all. */
  changedSince(updatedAt: number): AsyncIterable<PreferenceRecord>;
}

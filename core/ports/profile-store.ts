import type { Profile, ProfileRecord } from "../preferences/profile.ts";

export interface ProfileStore {
  /** Those that exist. */
  find(app: string, userIds: readonly string[]): Promise<ProfileRecord[]>;
  /** Replaces it as a whole, and adds one to its version. */
  put(app: string, userId: string, profile: Profile, now: number): Promise<ProfileRecord>;
  /** @param ifVersion only of this version: where it was put again since, it stays, and resolves with false */
  remove(app: string, userId: string, ifVersion?: number): Promise<boolean>;
}

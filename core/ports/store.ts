import type { AppStore } from "./app-store.ts";
import type { AttemptResult, AttemptStore } from "./attempt-store.ts";
import type { BlobStore } from "./blob-store.ts";
import type { CapStore } from "./cap-store.ts";
import type { ContactStore } from "./contact-store.ts";
import type { ContentStore } from "./content-store.ts";
import type { DeliveryChange, NotificationStore } from "./notification-store.ts";
import type { PoisonStore } from "./poison-store.ts";
import type { PreferenceStore } from "./preference-store.ts";
import type { ProfileStore } from "./profile-store.ts";

/** How many of each kind a purge removed. */
export interface PurgeCounts {
  notifications: number;
  attempts: number;
  attributions: number;
  contents: number;
  /** Unfinished uploads included. */
  blobs: number;
  poison: number;
}

/** One database with all that is kept in it. */
export interface Store extends AsyncDisposable {
  notifications: NotificationStore;
  contents: ContentStore;
  blobs: BlobStore;
  attempts: AttemptStore;
  contacts: ContactStore;
  preferences: PreferenceStore;
  profiles: ProfileStore;
  caps: CapStore;
  apps: AppStore;
  poison: PoisonStore;
  /**
   * attempts.record() and notifications.change() for each, both in one write: whether each was applied. Absent where a store has no transactions; then
   * callers make two writes, the attempts first.
   */
  settle?(ends: readonly { result: AttemptResult; change: DeliveryChange }[]): Promise<{ recorded: boolean; changed: boolean }[]>;
  /**
   * Removes up to `limit` notifications whose last delivery ended before this moment (ms since the epoch), the earliest first, with their attempts and
   * attributions; up to `limit` contents and `limit` blobs that no notification needs any more; and up to `limit` poison messages kept before it. Where no
   * count of these four reaches `limit`, nothing is left to remove. A call that was interrupted is finished by the next one, and a notification is
   * never found without its attempts. Rejects with a RangeError where the moment is less than PURGE_AGE_MS_MIN ago.
   */
  purge(before: number, limit: number): Promise<PurgeCounts>;
  /** The time by the store's own clock, which all processes share; ms since the epoch. */
  time(): Promise<number>;
}

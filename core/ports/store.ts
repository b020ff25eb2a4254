import type { NotificationClass } from "../delivery/channel.ts";
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
import type { SteeringStore } from "./steering-store.ts";
import type { WebhookStore } from "./webhook-store.ts";

/** Notifications of an app in a class whose last delivery ended before this moment (ms since the epoch). */
export interface EndedBefore {
  app: string;
  notificationClass: NotificationClass;
  before: number;
}

/** How many of each kind a purge removed. */
export interface PurgeCounts {
  notifications: number;
  attempts: number;
  attributions: number;
  /** When the first of these notifications ended; absent where there was none. */
  oldest?: number | undefined;
  /** How long the store worked, in ms, where that is known apart from waiting for other writers. */
  workMs?: number | undefined;
}

/** How many of each kind an erasure took something from, or removed. */
export interface ErasedCounts {
  notifications: number;
  attempts: number;
  attributions: number;
  poison: number;
  /** Large contents, and blobs, that no other notification refers to; removed a few minutes later. */
  contents: number;
  blobs: number;
}

/**
 * One database with all that is kept in it. A call that fails, or that the database does not confirm, rejects with a StoreError
 * (adapters/store/store-error.ts): a write may then have happened or not, until it is repeated.
 */
export interface Store extends AsyncDisposable {
  notifications: NotificationStore;
  contents: ContentStore;
  blobs: BlobStore;
  attempts: AttemptStore;
  contacts: ContactStore;
  preferences: PreferenceStore;
  webhooks: WebhookStore;
  profiles: ProfileStore;
  caps: CapStore;
  apps: AppStore;
  poison: PoisonStore;
  steering: SteeringStore;
  /**
   * attempts.record() and notifications.change() for each, both in one write: whether each was applied. Absent where a store has no transactions; then
   * callers make two writes, the attempts first.
   */
  settle?(ends: readonly { result: AttemptResult; change: DeliveryChange }[]): Promise<{ recorded: boolean; changed: boolean }[]>;
  /**
   * Removes up to `limit` of these notifications, with their attempts and attributions: the earliest first of those whose content was deleted before, then of
   * the others. Where the count does not reach `limit`, nothing is left to remove. A call that was interrupted is finished by the next one, and a
   * notification is never found without its attempts. Rejects with a RangeError where `before` is less than PURGE_AGE_MS_MIN ago.
   */
  purge(ended: EndedBefore, limit: number): Promise<PurgeCounts>;
  /**
   * Deletes the content of up to `limit` of these notifications, the earliest first (withoutContent()), and moves `keepUntil` of large contents
   * that no other notification refers to back to RELEASE_MS after `now`. Resolves with how many, and when the first of them ended.
   */
  deleteContent(ended: EndedBefore, now: number, limit: number): Promise<Pick<PurgeCounts, "notifications" | "oldest" | "workMs">>;
  /**
   * Takes identity and content from those of these notifications that have ended (erasedNotification()), and from their attempts; removes their attributions and
   * poison messages, and moves `keepUntil` of large contents and blobs that no other notification refers to back to RELEASE_MS after `now`. A call that was
   * interrupted is finished by the next one: until then the notification is found by its recipient.
   */
  erase(notificationIds: readonly string[], now: number): Promise<ErasedCounts>;
  /**
   * Has what was deleted overwritten in the store's files. False where other processes did not let it; then it may be called again. Absent where that is the
   * server's matter.
   */
  overwriteDeleted?(): Promise<boolean>;
  /**
   * Whether `holder` may do this work until `until`: true where nobody else may at `now`. A holder that asks again before `until` extends its lease. All moments
   * are ms since the epoch.
   */
  lease(work: string, holder: string, now: number, until: number): Promise<boolean>;
  /** The time by the store's own clock, which all processes share; ms since the epoch. */
  time(): Promise<number>;
}

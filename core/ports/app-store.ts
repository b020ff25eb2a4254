import type { AppRecord } from "../apps/app.ts";

export type { AppRecord } from "../apps/app.ts";

/** The fields of an app that a change sets. */
export type AppSettings = Omit<AppRecord, "id" | "version">;

export interface AppStore {
  find(id: string): Promise<AppRecord | undefined>;
  /** Also by a key that has expired or was revoked. */
  findByKeyHash(keyHash: string): Promise<AppRecord | undefined>;
  /** All of them, by id. */
  list(): AsyncIterable<AppRecord>;
  /**
   * Changes an app, or creates it where `edit` gets undefined. Nothing that others write at the same moment is lost: `edit` is called again with
   * what they wrote. What `edit` throws ends the change, and nothing is stored.
   */
  change(id: string, edit: (before: AppRecord | undefined) => AppSettings): Promise<AppRecord>;
}

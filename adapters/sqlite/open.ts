import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { checkPurge } from "../../core/delivery/lifetime.ts";
import type { Store } from "../../core/ports/store.ts";
import { StoreError } from "../store/store-error.ts";
import { createAppStore } from "./apps.ts";
import { createAttemptStore } from "./attempts.ts";
import { createBlobStore } from "./blobs.ts";
import { createCapStore } from "./caps.ts";
import { createContactStore } from "./contacts.ts";
import { createContentStore } from "./contents.ts";
import { closeDatabase, type OpenOptions, openDatabase } from "./database.ts";
import { createLease } from "./lease.ts";
import { createNotificationStore } from "./notifications.ts";
import { overwriteDeleted } from "./overwrite-deleted.ts";
import { createPoisonStore } from "./poison.ts";
import { createPreferenceStore } from "./preferences.ts";
import { createProfileStore } from "./profiles.ts";
import { createSteeringStore } from "./steering.ts";
import { asStoreError } from "./transact.ts";
import { createWebhookStore } from "./webhooks.ts";
import { useWriterThread } from "./writer-thread.ts";
import { createWrites } from "./writes.ts";

/**
 * Opens, and where needed creates, the file. Each call that writes is one transaction, and what a call answers is on disk
 * (log-sync.ts). Several processes may share the file; it must be on a local disk. `:memory:` keeps nothing.
 * Rejects with a StoreError when the file cannot be used, with an UnsafeSettingError when what is written to it could be lost.
 * @param options.existing rejects where there is no file, instead of making one
 * @param options.hasWriterThread whether a thread of its own makes the writes of roles (writer-thread.ts)
 */
export async function openSqliteStore(
  path: string,
  { existing = false, hasWriterThread = false, ...options }: { existing?: boolean; hasWriterThread?: boolean } & OpenOptions = {},
): Promise<Store> {
  if (existing && path !== ":memory:" && !(statSync(path, { throwIfNoEntry: false })?.isFile() ?? false))
    throw new StoreError(`there is no SQLite store at ${path}; see that STORE_URL names the one that the roles use`);
  const database = await openDatabase(path, options);
  const time = database.prepare("select cast(unixepoch('subsec') * 1000 as integer) as ms");
  // The operating system's clock.
  const now = async () => asStoreError(() => Number(time.get()?.ms));
  const thread = hasWriterThread && path !== ":memory:" ? await useWriterThread(path).catch(closing(database)) : undefined;
  const { writes } = thread ?? { writes: createWrites(database) };
  return {
    notifications: createNotificationStore(database, writes),
    contents: createContentStore(database, writes),
    blobs: createBlobStore(database, writes),
    attempts: createAttemptStore(database, writes),
    settle: writes.settle,
    contacts: createContactStore(database, writes),
    preferences: createPreferenceStore(database),
    webhooks: createWebhookStore(database),
    profiles: createProfileStore(database),
    apps: createAppStore(database),
    caps: createCapStore(database, writes),
    poison: createPoisonStore(database),
    steering: createSteeringStore(database),
    async purge(ended, limit) {
      checkPurge(ended.before, await now());
      return writes.purge(ended, limit);
    },
    deleteContent: writes.deleteContent,
    erase: writes.erase,
    overwriteDeleted: () => overwriteDeleted(database),
    lease: createLease(database),
    time: now,
    [Symbol.asyncDispose]: async () => {
      await thread?.[Symbol.asyncDispose]();
      await closeDatabase(database);
    },
  };
}

const closing = (database: DatabaseSync) => async (error: unknown) => {
  await closeDatabase(database);
  throw error;
};

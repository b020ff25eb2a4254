import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { checkPurge } from "../../core/delivery/lifetime.ts";
import type { Store } from "../../core/ports/store.ts";
import { StoreError } from "../store/store-error.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { createAppStore } from "./apps.ts";
import { createAttemptStore } from "./attempts.ts";
import { createContactStore } from "./contacts.ts";
import { createContentStore } from "./contents.ts";
import { fileSystemDangers, journalDangers, statFileSystem } from "./durable.ts";
import { createNotificationStore } from "./notifications.ts";
import { createPoisonStore } from "./poison.ts";
import { createPreferenceStore } from "./preferences.ts";
import { createPurge } from "./purge.ts";
import { migrate } from "./schema.ts";
import { asStoreError, BUSY_TIMEOUT_MS, isBusy, transact } from "./transact.ts";

/** Switching a new file to WAL, and opening one that its last process just closed, ignore the busy timeout: tried again after this, in ms. */
const OPEN_RETRY_MS = 20;
/** Pages of the log after which a commit also moves them to the file, which takes it some 5 ms: 16 MB. Of SQLite's own 1000 there is one in about 16 commits. */
const CHECKPOINT_PAGES = 4_000;
/** Longest that an opening is tried, in ms: a migration waits for the others' writes for up to BUSY_TIMEOUT_MS at each try. */
const OPEN_MS_MAX = 15_000;

/**
 * Opens, and where needed creates, the file. Each call that writes is one transaction, on disk when its promise resolves (WAL,
 * synchronous=FULL). Several processes may share the file; it must be on a local disk. `:memory:` keeps nothing.
 * Rejects with a StoreError when the file cannot be used, with an UnsafeSettingError when what is written to it could be lost.
 * @param options.existing rejects where there is no file, instead of making one
 * @param options.fileSystemOf the kind of file system a path is on, as statfs(2) numbers them
 */
export async function openSqliteStore(path: string, { existing = false, fileSystemOf = statFileSystem } = {}): Promise<Store> {
  if (existing && path !== ":memory:" && !(statSync(path, { throwIfNoEntry: false })?.isFile() ?? false))
    throw new StoreError(`there is no SQLite store at ${path}; see that STORE_URL names the one that the roles use`);
  const database = await openDatabase(path, fileSystemOf);
  const time = database.prepare("select cast(unixepoch('subsec') * 1000 as integer) as ms");
  // The operating system's clock.
  const now = async () => asStoreError(() => Number(time.get()?.ms));
  const contents = createContentStore(database);
  const purge = createPurge(database);
  const { store: notifications, changeNow } = createNotificationStore(database);
  const { store: attempts, recordNow } = createAttemptStore(database);
  return {
    notifications,
    contents,
    attempts,
    settle: (ends) =>
      transact(database, () => {
        const recorded = recordNow(ends.map(({ result }) => result));
        const changed = changeNow(ends.map(({ change }) => change));
        return ends.map((_, i) => ({ recorded: recorded[i]!, changed: changed[i]! }));
      }),
    contacts: createContactStore(database),
    preferences: createPreferenceStore(database),
    apps: createAppStore(database),
    poison: createPoisonStore(database),
    async purge(before, limit) {
      const at = await now();
      checkPurge(before, at);
      // A negative limit would be none.
      const most = Math.max(0, limit);
      return { ...(await purge(before, most)), contents: await contents.purge(at, most) };
    },
    time: now,
    [Symbol.asyncDispose]: async () => {
      if (database.isOpen) database.close();
    },
  };
}

async function openDatabase(path: string, fileSystemOf: typeof statFileSystem): Promise<DatabaseSync> {
  const giveUpAt = performance.now() + OPEN_MS_MAX;
  for (;;) {
    let database: DatabaseSync | undefined;
    try {
      if (path !== ":memory:") {
        createFile(path);
        reject(path, fileSystemDangers(fileSystemOf(path)));
      }
      database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
      configure(database, path);
      migrate(database);
      return database;
    } catch (error) {
      if (database?.isOpen) database.close();
      if (!isBusy(error) || performance.now() >= giveUpAt) throw cannotOpen(path, error);
      await delay(OPEN_RETRY_MS);
    }
  }
}

/** Readable by its owner alone, because it holds addresses and contents. SQLite gives its side files the same mode. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, "a", 0o600));
}

function configure(database: DatabaseSync, path: string): void {
  database.exec("pragma journal_mode = wal");
  database.exec("pragma synchronous = full");
  database.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  if (path !== ":memory:") reject(path, journalDangers(database));
}

function reject(path: string, dangers: readonly Danger[]): void {
  if (dangers.length > 0) throw new UnsafeSettingError(`SQLite store ${path}`, dangers);
}

function cannotOpen(path: string, error: unknown): Error {
  if (error instanceof UnsafeSettingError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  return new StoreError(`cannot open the SQLite store ${path}: ${error instanceof Error ? error.message : "unknown"}`, code);
}

import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
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
import { migrate } from "./schema.ts";
import { asStoreError, isSqliteError } from "./transact.ts";

/** How long a write waits for another process's, in ms. Theirs take one disk flush each; the wait blocks this process. */
const BUSY_TIMEOUT_MS = 5_000;
/** Switching a new file to WAL does not heed the busy timeout; while several processes open it at once, this is tried again, in ms. */
const OPEN_RETRY_MS = 20;
const OPEN_TRIES_MAX = 250;
const SQLITE_BUSY = 5;

/**
 * Opens, and where needed creates, the file. Each call that writes is one transaction, on disk when its promise resolves (WAL,
 * synchronous=FULL). Several processes may share the file; it must be on a local disk. `:memory:` keeps nothing.
 * Rejects with a StoreError when the file cannot be used, with a UnsafeSettingError when what is written to it could be lost.
 * @param fileSystemOf the kind of file system a path is on, as statfs(2) numbers them
 */
export async function openSqliteStore(path: string, fileSystemOf = statFileSystem): Promise<Store> {
  const database = await openDatabase(path, fileSystemOf);
  const time = database.prepare("select cast(unixepoch('subsec') * 1000 as integer) as ms");
  return {
    notifications: createNotificationStore(database),
    contents: createContentStore(database),
    attempts: createAttemptStore(database),
    contacts: createContactStore(database),
    preferences: createPreferenceStore(database),
    apps: createAppStore(database),
    poison: createPoisonStore(database),
    // The operating system's, asked for afresh.
    time: async () => asStoreError(() => Number(time.get()?.ms)),
    [Symbol.asyncDispose]: async () => {
      if (database.isOpen) database.close();
    },
  };
}

async function openDatabase(path: string, fileSystemOf: typeof statFileSystem): Promise<DatabaseSync> {
  for (let tries = 1; ; tries++) {
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
      // The low byte is the kind, the rest says which sort of busy.
      const busy = isSqliteError(error) && (error.errcode & 0xff) === SQLITE_BUSY;
      if (!busy || tries === OPEN_TRIES_MAX) throw cannotOpen(path, error);
      await delay(OPEN_RETRY_MS);
    }
  }
}

/** It holds addresses and message texts: readable by its owner alone. SQLite gives its side files the same mode. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, "a", 0o600));
}

function configure(database: DatabaseSync, path: string): void {
  database.exec("pragma journal_mode = wal");
  database.exec("pragma synchronous = full");
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

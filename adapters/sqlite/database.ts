import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "../store/store-error.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { fileSystemDangers, journalDangers, statFileSystem } from "./durable.ts";
import { migrate } from "./schema.ts";
import { BUSY_TIMEOUT_MS, isBusy } from "./transact.ts";

/** Switching a new file to WAL, and opening one that its last process just closed, ignore the busy timeout: tried again after this, in ms. */
const OPEN_RETRY_MS = 20;
/** Length of the log, in pages (16 MB), from which a commit also copies it to the file, which takes some 5 ms. With SQLite's default of 1000 one commit in about 16 did. */
const CHECKPOINT_PAGES = 4_000;
/** Longest that an opening is tried, in ms: a migration waits for the others' writes for up to BUSY_TIMEOUT_MS at each try. */
const OPEN_MS_MAX = 15_000;

/**
 * One connection to the file, which is created or brought to this version's schema where needed. Rejects with a StoreError when the file cannot be used, with an
 * UnsafeSettingError when what is written to it could be lost.
 * @param fileSystemOf the kind of file system a path is on, as statfs(2) numbers them
 */
export async function openDatabase(path: string, fileSystemOf = statFileSystem): Promise<DatabaseSync> {
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

/**
 * Readable by its owner alone, because it holds addresses and contents. SQLite gives its side files the same mode.
 * A file that is there must not be opened: closing any of its descriptors releases all locks that this process has on it (fcntl(2)). Other programs then took the
 * log for unused and removed it, and what was written to it later was lost.
 */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function configure(database: DatabaseSync, path: string): void {
  database.exec("pragma journal_mode = wal");
  database.exec("pragma synchronous = full");
  // What is deleted or replaced is overwritten, so that an erasure leaves nothing in the file.
  database.exec("pragma secure_delete = on");
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

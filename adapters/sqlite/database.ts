import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { fileSystemDangers, journalDangers, statFileSystem } from "./durable.ts";
import { endProcess } from "./end-process.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { createLogSync, createSeen, flushUnderWay, logFault, onDisk, syncLog } from "./log-sync.ts";
import { restoreLog } from "./restore-log.ts";
import { migrate } from "./schema.ts";
import { BUSY_TIMEOUT_MS, isBusy } from "./transact.ts";

/** Between two tries to open the file, in ms: SQLite ignores its busy timeout when it switches a new file to WAL, or opens one that its last process just closed. */
const OPEN_RETRY_MS = 20;
/** Length of the log, in pages (16 MB), from which a commit also copies it to the file, which takes some 5 ms. With SQLite's default of 1000 one commit in about 16 did. */
const CHECKPOINT_PAGES = 4_000;
/** Longest that an opening is tried, in ms: a migration waits for the others' writes for up to BUSY_TIMEOUT_MS at each try. */
const OPEN_MS_MAX = 15_000;

/** What differs between programs and tests. */
export interface OpenOptions {
  /** The kind of file system a path is on, as statfs(2) numbers them. */
  fileSystemOf?: (path: string) => number;
  openLog?: (path: string) => LogFile;
  /** Called when the disk did not take what was written: the process must end (log-sync.ts). */
  failed?: (error: StoreError) => void;
}

const logFiles = new WeakMap<DatabaseSync, LogFile>();

/**
 * One connection to the file, which is created or brought to this version's schema where needed. Rejects with a StoreError when the file cannot be used, with an
 * UnsafeSettingError when what is written to it could be lost.
 */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<DatabaseSync> {
  const { fileSystemOf = statFileSystem } = options;
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
      if (path !== ":memory:") await openLog(database, options);
      migrate(database);
      return database;
    } catch (error) {
      if (database?.isOpen) database.close();
      if (database) closeLog(database);
      if (!isBusy(error) || performance.now() >= giveUpAt) throw cannotOpen(path, error);
      await delay(OPEN_RETRY_MS);
    }
  }
}

/**
 * The log is there once a connection has read in WAL mode, and stays until the last connection closes: only that one removes it (sqlite.org/wal.html). So this is the
 * log that SQLite writes to for as long as `database` is open, and the descriptor is told of all that goes wrong with it from here on.
 */
async function openLog(database: DatabaseSync, { openLog: open = openLogFile, failed = endProcess }: OpenOptions): Promise<void> {
  database.prepare("select count(*) from sqlite_schema").get();
  const file = open(`${database.location()}-wal`);
  logFiles.set(database, file);
  await restoreLog(database, file);
  // A thread that does nothing but write may wait: a tenth less CPU time than by the thread pool.
  const flush = isMainThread ? file.flush : () => void file.flushNow();
  syncLog(database, createLogSync({ seen: createSeen(database), flush, failed }));
}

/**
 * Closes the connection once all that it could see is on disk. After a failed flush it stays open until the process ends: SQLite's last connection would copy the
 * log to the file.
 */
export async function closeDatabase(database: DatabaseSync): Promise<void> {
  if (database.isOpen) await onDisk(database)?.catch(() => undefined);
  if (logFault(database)) return;
  if (database.isOpen) database.close();
  // Of a read that came meanwhile; there are no more reads.
  await flushUnderWay(database);
  closeLog(database);
}

function closeLog(database: DatabaseSync): void {
  logFiles.get(database)?.close();
  logFiles.delete(database);
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
  // A commit does not wait for the disk; its answer does (log-sync.ts).
  database.exec("pragma synchronous = normal");
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

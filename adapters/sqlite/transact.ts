import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "../store/store-error.ts";

/** How long a write waits for those of other processes, in ms. Each takes one disk flush. */
export const BUSY_TIMEOUT_MS = 5_000;
/** Between two tries for the write lock, in ms: a transaction takes about as long. */
const TRY_EVERY_MS = 1;
const SQLITE_BUSY = 5;

/** Of a database: the transactions that wait for the write lock, one after the other. */
const queues = new WeakMap<DatabaseSync, Promise<unknown>>();

/**
 * Runs `work` as one transaction, durable when the promise resolves. IMMEDIATE takes the write lock first, so that what was read stays true until it
 * is written, also against other processes. `work` must not await. Those that wait begin in order.
 * SQLite's own wait would block this process, asleep for up to 100 ms at a time: with a gateway, a relay and a dispatcher on one file, a dispatcher stood
 * still for 150 to 250 ms of each second, and for up to 110 ms at a time.
 */
export async function transact<T>(database: DatabaseSync, work: () => T, waitMs = BUSY_TIMEOUT_MS): Promise<T> {
  const before = queues.get(database);
  if (before === undefined && tryBegin(database)) return finish(database, work);
  const mine = (async () => {
    const giveUpAt = performance.now() + waitMs;
    await before;
    while (!tryBegin(database)) {
      if (performance.now() >= giveUpAt) throw new StoreError("SQLite: database is locked", String(SQLITE_BUSY));
      await delay(TRY_EVERY_MS);
    }
    return finish(database, work);
  })();
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  queues.set(database, settled);
  void settled.then(() => {
    if (queues.get(database) === settled) queues.delete(database);
  });
  return mine;
}

/** The same for a file that is being opened: blocks this process while others write, for up to BUSY_TIMEOUT_MS. */
export function transactNow<T>(database: DatabaseSync, work: () => T): T {
  asStoreError(() => database.exec("begin immediate"));
  return finish(database, work);
}

/** False while another process writes. */
function tryBegin(database: DatabaseSync): boolean {
  return asStoreError(() => {
    database.exec("pragma busy_timeout = 0");
    try {
      database.exec("begin immediate");
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    } finally {
      // For reads, which wait only while a file is recovered.
      database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  });
}

function finish<T>(database: DatabaseSync, work: () => T): T {
  return asStoreError(() => {
    try {
      const result = work();
      database.exec("commit");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      throw error;
    }
  });
}

/** Converts SQLite's errors to StoreError; other errors are bugs and are rethrown. */
export function asStoreError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    throw new StoreError(`SQLite: ${error.message}`, String(error.errcode));
  }
}

export const isSqliteError = (error: unknown): error is Error & { errcode: number } =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR" && "errcode" in error;

/** The low byte of SQLite's number is the kind, the rest says which sort of busy. */
export function isBusy(error: unknown): boolean {
  const code = isSqliteError(error) ? error.errcode : error instanceof StoreError ? Number(error.code) : Number.NaN;
  return (code & 0xff) === SQLITE_BUSY;
}

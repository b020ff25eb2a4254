import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import { StoreError } from "../store/store-error.ts";
import { flushUnderWay, logFault, onDisk } from "./log-sync.ts";

/** How long a write waits for those of other processes and connections, in ms. */
export const BUSY_TIMEOUT_MS = 5_000;
/** Between two tries for the write lock, in ms: a transaction takes about as long. */
const TRY_EVERY_MS = 1;
/**
 * The same in a writing thread, which may sleep: a timer of the event loop takes 1 ms at least, so that the lock was often free for longer than it was held. At
 * 900 notifications a second p99 of accepting fell to 0.61 of what it was (n=5).
 */
const THREAD_TRY_EVERY_MS = 0.2;
const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4));
export const SQLITE_BUSY = 5;

/** The most pieces of work in one transaction; each of them is a batch already. */
const TOGETHER_MAX = 8;

interface Waiting {
  work: () => unknown;
  /** Gets a transaction of its own, because one of the works in the last one threw, and all were undone. */
  alone?: true;
  until: number;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** Of a database: what waits for its transaction, in order; absent while nothing does. */
const queues = new WeakMap<DatabaseSync, Waiting[]>();

/**
 * Runs `work` in a transaction, durable when the promise resolves, whole or not at all. IMMEDIATE takes the write lock first, so that what was read stays
 * true until it is written, also against other processes. `work` must not await, and may be run again after a rollback. Those that wait begin in order.
 * SQLite's own wait would block this process, asleep for up to 100 ms at a time: with a gateway, a relay and a dispatcher on one file, a dispatcher stood
 * still for 150 to 250 ms of each second, and for up to 110 ms at a time. Works that come in one event-loop turn, while another process writes, or during a flush,
 * share a transaction and a flush (log-sync.ts). No work has a savepoint of its own: SQLite then copied each page to a temporary file before it changed, a third of
 * all that a gateway wrote.
 */
export function transact<T>(database: DatabaseSync, work: () => T, waitMs = BUSY_TIMEOUT_MS): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const entry: Waiting = { work, until: performance.now() + waitMs, resolve: resolve as Waiting["resolve"], reject };
    const waiting = queues.get(database);
    if (waiting) return void waiting.push(entry);
    const own = [entry];
    queues.set(database, own);
    void writeAll(database, own);
  });
}

async function writeAll(database: DatabaseSync, waiting: Waiting[]): Promise<void> {
  await nextTurn();
  while (waiting.length > 0) {
    // Flushes run one after the other: a transaction that began now would be answered no sooner, and would take the lock once more.
    const flushing = flushUnderWay(database);
    if (flushing) await flushing;
    try {
      if (tryBegin(database)) waiting.unshift(...writeTogether(database, waiting.splice(0, waiting[0]!.alone ? 1 : TOGETHER_MAX)));
      else {
        rejectLate(waiting);
        await pause();
      }
    } catch (error) {
      for (const { reject } of waiting.splice(0)) reject(error);
    }
  }
  // In the turn in which it was found empty: what comes after begins anew.
  queues.delete(database);
}

async function pause(): Promise<void> {
  if (isMainThread) return await delay(TRY_EVERY_MS);
  Atomics.wait(NEVER_NOTIFIED, 0, 0, THREAD_TRY_EVERY_MS);
  // What has come meanwhile joins the transaction.
  await nextTurn();
}

/** Rejects what could not begin before its time was over; each was tried at least once. */
function rejectLate(waiting: Waiting[]): void {
  const now = performance.now();
  while (waiting[0] && waiting[0].until <= now) waiting.shift()!.reject(new StoreError("SQLite: database is locked", String(SQLITE_BUSY)));
}

/**
 * Commits the transaction that has begun with these works. Settles every entry once all that it read or wrote is on disk. Never throws.
 * @returns the works again, each for a transaction of its own, where one of several threw: then nothing was written, and none is settled
 */
function writeTogether(database: DatabaseSync, entries: readonly Waiting[]): Waiting[] {
  const values: unknown[] = [];
  const rejectAll = (error: unknown) => {
    for (const { reject } of entries) reject(storeErrorOf(error));
  };
  const resolveAll = () => {
    for (const [i, { resolve }] of entries.entries()) resolve(values[i] as never);
  };
  let durable: Promise<void> | undefined;
  try {
    for (const { work } of entries) values.push(work());
    database.exec("commit");
    durable = onDisk(database);
  } catch (error) {
    const hasThrown = values.length < entries.length;
    tryRollback(database);
    if (hasThrown && entries.length > 1) return entries.map((entry) => ({ ...entry, alone: true }));
    rejectAll(error);
    return [];
  }
  if (durable) durable.then(resolveAll, rejectAll);
  else resolveAll();
  return [];
}

/** Reads at once, and answers once what it read is on disk. Rejects with a StoreError. */
export async function readDurable<T>(database: DatabaseSync, work: () => T): Promise<T> {
  const value = asStoreError(work);
  await onDisk(database);
  return value;
}

/** Rolls back; where that fails, the next transaction tries it again. */
function tryRollback(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec("rollback");
  } catch {
    // The works were rejected with the error before this one, which says more.
  }
}

/** A transaction that begins at once, for a file that is being opened: blocks this process while others write, for up to BUSY_TIMEOUT_MS. */
export function transactNow<T>(database: DatabaseSync, work: () => T): T {
  return asStoreError(() => {
    database.exec("begin immediate");
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

/**
 * Reads without waiting for the disk. For what no caller outside is told: either it only decides what is written next, and the answer of that write waits, or
 * nothing that must be kept depends on it. Otherwise each process on the file would flush for each batch that it looks up. Rejects with a StoreError.
 */
export const readToDecide = async <T>(work: () => T): Promise<T> => asStoreError(work);

/** False while another process writes. */
function tryBegin(database: DatabaseSync): boolean {
  return asStoreError(() => {
    const fault = logFault(database);
    if (fault) throw fault;
    // Its rollback failed.
    if (database.isTransaction) database.exec("rollback");
    return tryAtOnce(database, () => {
      database.exec("begin immediate");
      return true;
    });
  });
}

/** False where another process is in the way. SQLite's own wait would block this one. */
export function tryAtOnce(database: DatabaseSync, work: () => boolean): boolean {
  database.exec("pragma busy_timeout = 0");
  try {
    return work();
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  } finally {
    // For reads, which wait only while a file is recovered.
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}

/** Converts SQLite's errors to StoreError; other errors are bugs and are rethrown. */
export function asStoreError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeErrorOf(error);
  }
}

const storeErrorOf = (error: unknown) => (isSqliteError(error) ? new StoreError(`SQLite: ${error.message}`, String(error.errcode)) : error);

export const isSqliteError = (error: unknown): error is Error & { errcode: number } =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR" && "errcode" in error;

/** The low byte of SQLite's number is the kind, the rest says which sort of busy. */
export function isBusy(error: unknown): boolean {
  const code = isSqliteError(error) ? error.errcode : error instanceof StoreError ? Number(error.code) : Number.NaN;
  return (code & 0xff) === SQLITE_BUSY;
}

import { type FileHandle, open } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../store/store-error.ts";

/** What brings a database's log to the disk. Rejects with a StoreError where the disk does not take it, and from then on always. */
export type LogSync = () => Promise<void>;

interface Log extends AsyncDisposable {
  sync: LogSync;
}

/** By database; "none": it is kept in memory. */
const logs = new WeakMap<DatabaseSync, Log | "none">();

/**
 * Resolves once everything is on disk that this process, or another one, had committed before the call. A file's log holds transactions in their order, so
 * that whoever waits for a transaction waits for all that it could have read, too.
 *
 * SQLite's own wait (synchronous=FULL) keeps the file's only write lock while the disk works, 5 to 9 ms with several writers: with every role on one file
 * each of them waited for the flushes of all others, and gateway and dispatchers alone held the lock for two thirds of the time at 300 notifications a second. Without the lock,
 * flushes of several processes are one for the disk, and the next transactions go on meanwhile.
 */
export function onDisk(database: DatabaseSync): Promise<void> | undefined {
  let log = logs.get(database);
  if (log === undefined) {
    const path = database.location();
    log = path === null ? "none" : openLog(`${path}-wal`);
    logs.set(database, log);
  }
  return log === "none" ? undefined : log.sync();
}

/** Closes it, once its transactions are on disk. */
export async function closeDatabase(database: DatabaseSync): Promise<void> {
  const log = logs.get(database);
  if (log !== undefined && log !== "none") await log[Symbol.asyncDispose]();
  if (database.isOpen) database.close();
}

/**
 * One flush at a time. Who comes during one waits for the next, which all of them share: the one under way may not hold what they committed.
 * After a failed flush the operating system may take what it could not write for written, and the next flush would succeed without it: nothing is
 * known to be durable any more, so that each further one fails too.
 * @param flush rejects where the disk does not take what was written; with a StoreError where it was not asked to, which the next flush makes up for
 */
export function createLogSync(flush: () => Promise<void>): LogSync {
  let failed: StoreError | undefined;
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function run(): Promise<void> {
    if (failed) throw failed;
    try {
      await flush();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      failed ??= new StoreError(
        `SQLite: the disk did not take the log (${error instanceof Error ? error.message : "unknown"}); restart once it works`,
        (error as NodeJS.ErrnoException | undefined)?.code,
      );
      throw failed;
    }
  }
  function start(): Promise<void> {
    const own = run().finally(() => {
      if (underWay === own) underWay = undefined;
    });
    underWay = own;
    return own;
  }
  return () => {
    if (!underWay) return start();
    next ??= underWay
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

/** The log is there from the first transaction on until the last connection closes; SQLite takes no locks on it, so another descriptor does no harm. */
function openLog(path: string): Log {
  let file: FileHandle | undefined;
  const sync = createLogSync(async () => {
    file ??= await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      throw new StoreError(`SQLite: the log cannot be opened (${error.message})`, error.code);
    });
    await file.datasync();
  });
  return {
    sync,
    async [Symbol.asyncDispose]() {
      if (!file) return;
      await sync().catch(() => undefined);
      await file.close();
    },
  };
}

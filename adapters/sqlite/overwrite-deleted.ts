import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { flushLog, logFault } from "./log-sync.ts";
import { asStoreError, tryAtOnce } from "./transact.ts";

/** Tries while other processes read or write, and the ms between two tries: a second in all. Their transactions take some ms each. */
const TRIES = 40;
const TRY_EVERY_MS = 25;

/**
 * Deleted rows are zeros in the log (secure_delete). This has the file get them, and empties the log, which still holds what was there before. SQLite flushes the file
 * (wal.c) and not the log that it has cut: without the flush here a power failure could bring back what was deleted. Resolves with false where others were using the
 * log all the time, rejects with a StoreError where the disk does not take it.
 */
export async function overwriteDeleted(database: DatabaseSync): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries++) {
    if (tries > 1) await delay(TRY_EVERY_MS);
    if (!tryCheckpoint(database)) continue;
    await flushLog(database);
    return true;
  }
  return false;
}

function tryCheckpoint(database: DatabaseSync): boolean {
  const fault = logFault(database);
  // The log has a hole, and what stands behind it must not get into the file.
  if (fault) throw fault;
  return asStoreError(() => tryAtOnce(database, () => database.prepare("pragma wal_checkpoint(truncate)").get()?.busy === 0));
}

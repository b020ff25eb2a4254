import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { asStoreError, tryAtOnce } from "./transact.ts";

/** While other processes read or write, tries so often, with as many ms between: a second in all. Their transactions take some ms each. */
const TRIES = 40;
const TRY_EVERY_MS = 25;

/**
 * Deleted rows are zeros in the log (secure_delete). This has the file get them, and empties the log, which still holds what was there before. False where others
 * were using the log all the time.
 */
export async function overwriteDeleted(database: DatabaseSync): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries++) {
    if (tries > 1) await delay(TRY_EVERY_MS);
    if (tryCheckpoint(database)) return true;
  }
  return false;
}

const tryCheckpoint = (database: DatabaseSync): boolean =>
  asStoreError(() => tryAtOnce(database, () => database.prepare("pragma wal_checkpoint(truncate)").get()?.busy === 0));

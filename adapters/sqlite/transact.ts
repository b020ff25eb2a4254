import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../store/store-error.ts";

/**
 * Runs `work` as one transaction, durable when it returns. IMMEDIATE takes the write lock first, so that what was read stays true until it
 * is written, also against other processes. `work` must not await.
 */
export function transact<T>(database: DatabaseSync, work: () => T): T {
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

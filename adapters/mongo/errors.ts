import { type MongoBulkWriteError, MongoError, MongoServerError } from "mongodb";
import { withDeadline } from "../../runtime/deadline.ts";
import { StoreError } from "../store/store-error.ts";

/** E11000: the key exists. */
export const DUPLICATE_KEY = 11000;

/**
 * Longest that a call to the store takes, in ms. The driver's own time-outs (client.ts) end a command within 40 s, its retry included; this one
 * also ends a command for which they failed, which has happened.
 */
const CALL_MS_MAX = 60_000;

/** Runs `work` and converts the driver's errors to StoreError with name and code alone: their messages quote documents and addresses. */
export async function asStoreError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(work(), { limitMs: CALL_MS_MAX }, () => giveUp(what, CALL_MS_MAX));
  } catch (error) {
    throw toStoreError(what, error);
  }
}

/** Throws what ends a call that took too long. */
export function giveUp(what: string, limitMs: number): never {
  throw new StoreError(`MongoDB, ${what}: no answer within ${limitMs} ms`);
}

export function toStoreError(what: string, error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  return new StoreError(`MongoDB, ${what}: ${errorName(error)}`, error.code === undefined ? undefined : String(error.code));
}

/** Unauthorized. */
const NOT_PERMITTED = "13";

/** The same error, with what to grant where the user lacks a permission that a start needs. */
export function withAdvice(error: unknown, { hosts, database }: { hosts: string; database: string }): unknown {
  if (!(error instanceof StoreError) || error.code !== NOT_PERMITTED) return error;
  const grant = `grant it the role readWrite on ${database}`;
  return new StoreError(
    `the user of STORE_USER may not do what a role needs in database ${database} of MongoDB at ${hosts}; ${grant} (${error.message})`,
    error.code,
  );
}

/** The error's class, code and code name, and the class of what it wraps; never its text. */
export function errorName(error: unknown): string {
  if (!(error instanceof MongoError)) return error instanceof Error ? error.name : "unknown";
  const named = error instanceof MongoServerError ? error.codeName : undefined;
  // Of a bulk write that failed as a whole, the reason.
  const within: unknown = error instanceof MongoServerError ? error.errorResponse : undefined;
  const reason = within instanceof Error ? within.name : undefined;
  return [error.name, error.code, named, reason].filter((part) => part !== undefined).join(" ");
}

/** Where every write error of an unordered insert was an existing key: the positions of those documents. Else undefined: unknown. */
export function duplicatesOf(error: MongoBulkWriteError): Set<number> | undefined {
  const errors = [error.writeErrors].flat();
  // A write concern that was not met arrives in the same error: then nothing is known to be durable.
  if (errors.length === 0 || error.result.getWriteConcernError()) return undefined;
  return errors.every((e) => e.code === DUPLICATE_KEY) ? new Set(errors.map((e) => e.index)) : undefined;
}

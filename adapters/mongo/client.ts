import { MongoClient, type MongoClientOptions } from "mongodb";
import { StoreError } from "../store/store-error.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { WriteOrCloseConnection } from "./connection.ts";

/** How long a call waits for a primary, in ms: an election takes up to 12 s by default, the caller's repetition covers the rest. */
const SERVER_SELECTION_TIMEOUT_MS = 5_000;
/** How long a call waits for a free connection, in ms. The driver's default is for ever. */
const WAIT_QUEUE_TIMEOUT_MS = 5_000;
/** How long a write waits for the majority, in ms: shorter than SOCKET_TIMEOUT_MS, so that the server reports it. */
const MAJORITY_TIMEOUT_MS = 8_000;
/** Silence after which a connection is closed, in ms. The driver's default is for ever, and its `timeoutMS` does nothing in 7.9. */
const SOCKET_TIMEOUT_MS = 10_000;
const POOL_SIZE_MAX = 32;

/** What promise 1 requires; it overrides the URI. Every read leads to a decision, so every read is of the majority. */
const CLIENT_OPTIONS: MongoClientOptions & { connectionType: unknown } = {
  connectionType: WriteOrCloseConnection,
  writeConcern: { w: "majority", journal: true, wtimeoutMS: MAJORITY_TIMEOUT_MS },
  readConcern: { level: "majority" },
  readPreference: "primary",
  retryWrites: true,
  retryReads: true,
  // Optional fields are absent, never null. Filters must therefore never hold undefined.
  ignoreUndefined: true,
  serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  connectTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  socketTimeoutMS: SOCKET_TIMEOUT_MS,
  waitQueueTimeoutMS: WAIT_QUEUE_TIMEOUT_MS,
};

/**
 * A client that has not connected yet. Throws an UnsafeSettingError where the URI asks for weaker writes or other reads than ours, a
 * StoreError where it cannot be parsed.
 */
export function createClient(
  uri: string,
  { poolSizeMax, appName }: { poolSizeMax?: number | undefined; appName?: string | undefined },
): MongoClient {
  const dangers = weakenings(parsed(uri, {}));
  if (dangers.length > 0) throw new UnsafeSettingError("STORE_URL", dangers);
  return parsed(uri, { ...CLIENT_OPTIONS, maxPoolSize: poolSizeMax ?? POOL_SIZE_MAX, appName: appName ?? "carillon" });
}

function parsed(uri: string, options: MongoClientOptions): MongoClient {
  try {
    return new MongoClient(uri, options);
  } catch {
    // The driver's message may quote the URI.
    throw new StoreError("the MongoDB URI cannot be parsed; it should be mongodb://user:password@host:port/database, percent-encoded");
  }
}

/** Settings of the URI that contradict ours. Some of them win over our options in the driver (journal, readConcernLevel), so each is an error. */
function weakenings({ options }: MongoClient): Danger[] {
  const { writeConcern, readConcern, readPreference } = options;
  const dangers: Danger[] = [];
  const add = (setting: string, value: unknown, why: string) =>
    dangers.push({ setting, value: String(value), why, fix: `take ${setting} out of STORE_URL` });
  if (writeConcern?.w !== undefined && writeConcern.w !== "majority") add("w", writeConcern.w, "what is accepted could be rolled back");
  if (writeConcern?.journal === false) add("journal", false, "what is accepted could be lost with the power");
  if (readConcern?.level && readConcern.level !== "majority") add("readConcernLevel", readConcern.level, "every read is acted upon");
  if (readPreference.mode !== "primary") add("readPreference", readPreference.mode, "what was just written would not be seen");
  return dangers;
}

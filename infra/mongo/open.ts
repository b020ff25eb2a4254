import { MongoClient, type MongoClientOptions } from "mongodb";
import type { Store } from "../../core/ports/store.ts";
import { StoreError } from "../store-error.ts";
import { type AppDocument, createAppStore } from "./apps.ts";
import { type AttemptDocument, createAttemptStore } from "./attempts.ts";
import { type ContactDocument, createContactStore } from "./contacts.ts";
import { toStoreError } from "./errors.ts";
import { ensureIndexes } from "./indexes.ts";
import type { NotificationDocument } from "./notification-document.ts";
import { createNotificationStore } from "./notifications.ts";
import { createPreferenceStore, type PreferenceDocument } from "./preferences.ts";

export interface MongoOptions {
  /** Default: the one in the URI's path, else "carillon". */
  database?: string | undefined;
  /** Connections of this process, which is how many calls run at once; more wait. Default 32. */
  poolSizeMax?: number | undefined;
  /** Shown in the server's log and currentOp. Default "carillon". */
  appName?: string | undefined;
}

/** From the first try to a usable server, in ms; an orchestrator restarts who cannot start. Name look-up included. */
const CONNECT_TIMEOUT_MS = 8_000;
/** How long a call waits for a primary, in ms: an election takes up to 12 s by default, the caller's repetition covers the rest. */
const SERVER_SELECTION_TIMEOUT_MS = 5_000;
/** How long a call waits for a free connection, in ms. The driver's default is for ever. */
const WAIT_QUEUE_TIMEOUT_MS = 5_000;
/** A write gives up waiting for the majority before the socket does, in ms, so that the server says so itself. */
const MAJORITY_TIMEOUT_MS = 8_000;
/** Silence after which a connection is given up, in ms. The driver's default is for ever, and its `timeoutMS` does nothing in 7.9. */
const SOCKET_TIMEOUT_MS = 10_000;
const POOL_SIZE_MAX = 32;
/** MongoDB 7.0: the oldest release still maintained. */
const WIRE_VERSION_MIN = 21;

/** What makes "accepted" true; stronger than whatever the URI says. Every read is acted upon, so every read is of the majority. */
const CLIENT_OPTIONS: MongoClientOptions = {
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
 * Connects, creates the indexes and reads them back. Writes are on disk at a majority when their promise resolves.
 * Rejects within 8 s with a StoreError that names the host, what to do, and never the password.
 */
export async function openMongoStore(uri: string, options: MongoOptions = {}): Promise<Store> {
  const client = createClient(uri, options);
  try {
    await connect(client);
    const db = client.db(options.database ?? databaseOf(uri));
    await ensureIndexes(db);
    return {
      notifications: createNotificationStore(db.collection<NotificationDocument>("notifications")),
      attempts: createAttemptStore(db.collection<AttemptDocument>("attempts")),
      contacts: createContactStore(db.collection<ContactDocument>("contacts")),
      preferences: createPreferenceStore(db.collection<PreferenceDocument>("preferences")),
      apps: createAppStore(db.collection<AppDocument>("apps")),
      [Symbol.asyncDispose]: () => client.close(),
    };
  } catch (error) {
    await client.close().catch(() => undefined);
    throw error;
  }
}

function createClient(uri: string, { poolSizeMax, appName }: MongoOptions): MongoClient {
  try {
    return new MongoClient(uri, { ...CLIENT_OPTIONS, maxPoolSize: poolSizeMax ?? POOL_SIZE_MAX, appName: appName ?? "carillon" });
  } catch {
    // The driver's message may quote the URI.
    throw new StoreError("the MongoDB URI cannot be parsed; it should be mongodb://user:password@host:port/database, percent-encoded");
  }
}

async function connect(client: MongoClient): Promise<void> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new StoreError("no answer in time")), CONNECT_TIMEOUT_MS);
  try {
    const hello = await Promise.race([client.connect().then(() => client.db("admin").command({ hello: 1 })), deadline.promise]);
    const wireVersion = Number(hello.maxWireVersion);
    if (!(wireVersion >= WIRE_VERSION_MIN)) throw new StoreError(`it speaks wire version ${wireVersion}, MongoDB 7.0 or later is needed`);
  } catch (error) {
    const cause = toStoreError("connect", error);
    const why = cause instanceof StoreError ? cause.message : "unknown";
    throw new StoreError(
      `cannot use MongoDB at ${hostsOf(client)} (${why}); see that it runs, that this machine reaches it and that user and password are ` +
        "right; for a try-out: docker run -p 27017:27017 mongo:8",
    );
  } finally {
    clearTimeout(timer);
  }
}

const hostsOf = ({ options }: MongoClient) => options.srvHost ?? options.hosts.map((host) => host.toString()).join(", ");

/** The driver takes "test" where the path is empty. */
const databaseOf = (uri: string) => decodeURIComponent(/^[^:]+:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1] ?? "") || "carillon";

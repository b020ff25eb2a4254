import type { Db, MongoClient } from "mongodb";
import { checkPurge } from "../../core/delivery/lifetime.ts";
import type { Store } from "../../core/ports/store.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { StoreError } from "../store/store-error.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { type AppDocument, createAppStore } from "./apps.ts";
import { type AttemptDocument, type AttributionDocument, createAttemptStore } from "./attempts.ts";
import { type BlobDocument, type ChunkDocument, createBlobStore } from "./blobs.ts";
import { type CapDocument, createCapStore } from "./caps.ts";
import { createClient } from "./client.ts";
import { type ContactDocument, createContactStore } from "./contacts.ts";
import { type ContentDocument, createContentStore } from "./contents.ts";
import { createDeleteContent } from "./delete-content.ts";
import { deploymentVerdict, type Hello, isMongos, type Standalone, type StorageEngine, storageDangers } from "./deployment.ts";
import type { MigrationDocument } from "./ended-at.ts";
import { createErase } from "./erase.ts";
import { asStoreError, errorName, giveUp, toStoreError, withAdvice } from "./errors.ts";
import { ensureIndexes } from "./indexes.ts";
import { createLease, type LeaseDocument } from "./lease.ts";
import type { NotificationDocument } from "./notification-document.ts";
import { createNotificationStore } from "./notifications.ts";
import { createPoisonStore, type PoisonDocument } from "./poison.ts";
import type { PreferenceChangeDocument } from "./preference-history.ts";
import { createPreferenceStore, type PreferenceDocument } from "./preferences.ts";
import { createProfileStore, type ProfileDocument } from "./profiles.ts";
import { createPurge } from "./purge.ts";
import { createReferences } from "./references.ts";
import { checkSharding } from "./sharding.ts";
import { createSteeringStore, type OperatorActionDocument, type SteeringDocument } from "./steering.ts";
import type { WebhookEventDocument } from "./webhook-events.ts";
import { createWebhookStore, type WebhookEndpointsDocument } from "./webhooks.ts";

export interface MongoOptions {
  /** Default: the one in the URI's path, else "carillon". */
  database?: string | undefined;
  /** Connections of this process, which is how many calls run at once; more wait. Default 32. */
  poolSizeMax?: number | undefined;
  /** Shown in the server's log and currentOp. Default "carillon". */
  appName?: string | undefined;
  /** Providers whose references AttemptStore.attribute is called with; theirs are indexed. Default: none. */
  attributedProviders?: readonly string[] | undefined;
  /** Whether one mongod outside any replica set may be the store. Default "allowed". */
  standalone?: Standalone | undefined;
  /** Rejects where the database holds no store, instead of making one. Default false. */
  existing?: boolean | undefined;
  /** Receives warnings about settings that are unsafe but may be intended, once per opening. Default: no warnings. */
  log?: Logger | undefined;
}

/** From the first try to a usable server, in ms, DNS included. A process that cannot start exits, and its orchestrator restarts it. */
const CONNECT_TIMEOUT_MS = 8_000;

/**
 * Connects, creates the indexes and reads them back. Writes are on disk at a majority when their promise resolves.
 * Rejects within 8 s with a StoreError, or an UnsafeSettingError where the URI, the server or an index would break a promise. Both name
 * the host and what to do, and never the password.
 */
export async function openMongoStore(uri: string, options: MongoOptions = {}): Promise<Store> {
  const client = createClient(uri, options);
  try {
    const hello = await connect(client, options);
    const db = client.db(options.database ?? databaseOf(uri));
    if (options.existing) await mustExist(db, hostsOf(client));
    const { attributedProviders } = options;
    // A standalone server knows no commit quorum.
    await ensureIndexes(db, hostsOf(client), { attributedProviders, hasQuorum: isMongos(hello) || hello.setName !== undefined });
    if (isMongos(hello)) await checkSharding(client, db, hostsOf(client));
    const notifications = db.collection<NotificationDocument>("notifications");
    const attempts = db.collection<AttemptDocument>("attempts");
    const attributions = db.collection<AttributionDocument>("attributions");
    const contents = db.collection<ContentDocument>("contents");
    const blobs = db.collection<BlobDocument>("blobs");
    const poison = db.collection<PoisonDocument>("poison");
    const migrations = db.collection<MigrationDocument>("migrations");
    const endpoints = db.collection<WebhookEndpointsDocument>("webhook_endpoints");
    const events = db.collection<WebhookEventDocument>("webhook_events");
    const preferences = createPreferenceStore(
      db.collection<PreferenceDocument>("preferences"),
      db.collection<PreferenceChangeDocument>("preference_changes"),
      { endpoints, events },
    );
    const references = createReferences(notifications);
    const purge = createPurge({ notifications, attempts, attributions, migrations });
    const time = () => asStoreError("ask for the time", async () => ((await db.admin().command({ hello: 1 })).localTime as Date).getTime());
    return {
      notifications: createNotificationStore(notifications),
      contents: createContentStore(contents, references),
      blobs: createBlobStore(blobs, db.collection<ChunkDocument>("blob_chunks"), references),
      attempts: createAttemptStore(attempts, attributions),
      contacts: createContactStore(db.collection<ContactDocument>("contacts")),
      preferences,
      webhooks: createWebhookStore(endpoints, events, preferences.recover),
      profiles: createProfileStore(db.collection<ProfileDocument>("profiles")),
      apps: createAppStore(db.collection<AppDocument>("apps")),
      caps: createCapStore(db.collection<CapDocument>("caps")),
      poison: createPoisonStore(poison),
      steering: createSteeringStore(db.collection<SteeringDocument>("steering"), db.collection<OperatorActionDocument>("operator_actions")),
      async purge(ended, limit) {
        checkPurge(ended.before, await time());
        return purge(ended, limit);
      },
      deleteContent: createDeleteContent(notifications, contents, { references, migrations }),
      erase: createErase({ notifications, attempts, attributions, poison, contents, blobs, references }),
      lease: createLease(db.collection<LeaseDocument>("leases")),
      time,
      [Symbol.asyncDispose]: () => client.close(),
    };
  } catch (error) {
    await client.close().catch(() => undefined);
    throw withAdvice(error, { hosts: hostsOf(client), database: options.database ?? databaseOf(uri) });
  }
}

async function mustExist(db: Db, hosts: string): Promise<void> {
  const found = await asStoreError("list collections", () => db.listCollections({ name: "notifications" }, { nameOnly: true }).toArray());
  if (found.length === 0)
    throw new StoreError(
      `database ${db.databaseName} of MongoDB at ${hosts} holds no store; see that STORE_URL names the one that the roles use`,
    );
}

async function connect(client: MongoClient, options: MongoOptions): Promise<Hello> {
  const hosts = hostsOf(client);
  try {
    return await withDeadline(check(client, hosts, options), { limitMs: CONNECT_TIMEOUT_MS }, () => giveUp("connect", CONNECT_TIMEOUT_MS));
  } catch (error) {
    if (error instanceof UnsafeSettingError) throw error;
    const cause = toStoreError("connect", error);
    const why = cause instanceof StoreError ? cause.message : "unknown";
    throw new StoreError(
      `cannot use MongoDB at ${hosts} (${why}); see that it runs, that this machine reaches it and that user and password are ` +
        "right; for a try-out: docker run -p 27017:27017 mongo:8, with STORE_ALLOW_STANDALONE=true",
    );
  }
}

async function check(client: MongoClient, hosts: string, { standalone, log }: MongoOptions): Promise<Hello> {
  await client.connect();
  const hello = (await client.db("admin").command({ hello: 1 })) as Hello;
  const { dangers, warnings } = deploymentVerdict(hello, standalone);
  dangers.push(...storageDangers(await storageEngine(client, log)));
  if (dangers.length > 0) throw new UnsafeSettingError(`MongoDB at ${hosts}`, dangers);
  for (const warning of warnings) log?.warn({ mongodb: hosts }, warning);
  return hello;
}

/** Undefined where the server does not report it: a user with readWrite alone may not ask, and servers that are only compatible have none. */
async function storageEngine(client: MongoClient, log: Logger | undefined): Promise<StorageEngine | undefined> {
  const notChecked = (fault: string) =>
    log?.debug({ mongodb: hostsOf(client), fault }, "storage engine is not checked: the server does not report it");
  try {
    const status = await client.db("admin").command({ serverStatus: 1, metrics: 0, locks: 0, repl: 0, wiredTiger: 0 });
    if (!status.storageEngine) notChecked("none in serverStatus");
    return status.storageEngine as StorageEngine | undefined;
  } catch (error) {
    notChecked(errorName(error));
    return undefined;
  }
}

const hostsOf = ({ options }: MongoClient) => options.srvHost ?? options.hosts.map((host) => host.toString()).join(", ");

/** The driver takes "test" where the path is empty. */
export const databaseOf = (uri: string) => decodeURIComponent(/^[^:]+:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1] ?? "") || "carillon";

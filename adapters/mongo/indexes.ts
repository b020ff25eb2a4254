import { isDeepStrictEqual } from "node:util";
import { type Collection, type Db, type Document, MongoServerError } from "mongodb";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { asStoreError } from "./errors.ts";
import { CONTENT_PATHS } from "./references.ts";

interface Index {
  collection: string;
  name: string;
  key: Record<string, 1>;
  partialFilterExpression?: Document;
}

/** Finds the attempt that has a reference of this provider. */
function referencesOf(provider: string, what: string, path: string): Index {
  const partialFilterExpression = { provider, [path]: { $exists: true } };
  return { collection: "attempts", name: `${what}-${provider}`, key: { [path]: 1 }, partialFilterExpression };
}

/** Finds an app's notifications by a field that not all have. */
function ofNotifications(name: string, path: string): Index {
  return { collection: "notifications", name, key: { app: 1, [path]: 1, _id: 1 }, partialFilterExpression: { [path]: { $exists: true } } };
}

/** The same in the order of acceptance, of all or only of those that `also` selects. */
function inOrder(name: string, path: string, also: Document = {}): Index {
  const key = { app: 1, [path]: 1, acceptedAt: 1, _id: 1 } as const;
  return { collection: "notifications", name, key, partialFilterExpression: { [path]: { $exists: true }, ...also } };
}

/** Besides `_id`. A changed index gets a new name, so that old and new processes can run side by side. */
const INDEXES: readonly Index[] = [
  // Only notifications that have not ended, so that its size does not grow with the number ever sent.
  { collection: "notifications", name: "due", key: { due: 1 }, partialFilterExpression: { due: { $exists: true } } },
  // Leases read the outbox by key, and relays share a key by ranges of ids.
  {
    collection: "notifications",
    name: "outbox-key",
    key: { outboxKey: 1, due: 1, _id: 1 },
    partialFilterExpression: { due: { $exists: true } },
  },
  // Leases of what is due whatever room the queues have.
  {
    collection: "notifications",
    name: "later-due",
    key: { notificationClass: 1, laterDue: 1, due: 1 },
    partialFilterExpression: { due: { $exists: true } },
  },
  // Of each app, to count what it has open and scheduled.
  { collection: "notifications", name: "app-due", key: { app: 1, due: 1 }, partialFilterExpression: { due: { $exists: true } } },
  // Only notifications with a failed delivery.
  { collection: "notifications", name: "failures", key: { failedAt: 1, _id: 1 }, partialFilterExpression: { failedAt: { $exists: true } } },
  // Only notifications that have ended, for purges.
  {
    collection: "notifications",
    name: "retention",
    key: { app: 1, notificationClass: 1, contentGone: 1, endedAt: 1 },
    partialFilterExpression: { endedAt: { $exists: true } },
  },
  // By recipient, for searches, and for the export and the erasure of a user. A notification has one of these.
  ...["userId", "endpoint.address", "endpoint.phoneNumber", "endpoint.token", "endpoint.pushUrl"].map(
    (field): Index => inOrder(`to-${field.split(".").at(-1)}`, `recipient.${field}`),
  ),
  // For searches by nothing else.
  { collection: "notifications", name: "accepted", key: { app: 1, acceptedAt: 1, _id: 1 } },
  // Few notifications have these.
  inOrder("tags", "tagTexts"),
  inOrder("cancel-key", "cancelKey", { due: { $exists: true } }),
  // By what they refer to, for purges of contents and blobs. Few notifications have any of these.
  ...[...CONTENT_PATHS, "blobIds"].map((path) => ofNotifications(`refers-${path.split(".").at(-1)}`, path)),
  // For searches by a provider's reference.
  ...["outcome.providerRef", "resolution.outcome.providerRef"].map(
    (path): Index => ({
      ...{ collection: "attempts", name: `reference-${path.split(".")[0]}`, key: { [path]: 1, _id: 1 } },
      partialFilterExpression: { [path]: { $exists: true } },
    }),
  ),
  { collection: "attributions", name: "attempt", key: { attempt: 1 } },
  { collection: "contents", name: "kept", key: { keepUntil: 1 } },
  { collection: "blobs", name: "kept", key: { keepUntil: 1 } },
  { collection: "caps", name: "until", key: { until: 1 } },
  { collection: "poison", name: "kept", key: { keptAt: 1, _id: 1 } },
  { collection: "operator_actions", name: "at", key: { at: 1, _id: 1 } },
  { collection: "operator_actions", name: "action", key: { action: 1, _id: 1 } },
  { collection: "contacts", name: "user", key: { app: 1, userId: 1 } },
  { collection: "contacts", name: "endpoint", key: { app: 1, endpointId: 1 } },
  { collection: "preference_changes", name: "at", key: { at: 1 } },
  { collection: "preferences", name: "changed", key: { updatedAt: 1, _id: 1 } },
  // Only records whose events for webhooks may not have been made.
  { collection: "preferences", name: "untold", key: { "untold.at": 1 }, partialFilterExpression: { "untold.at": { $exists: true } } },
  { collection: "webhook_events", name: "due", key: { app: 1, endpoint: 1, due: 1 } },
  { collection: "webhook_events", name: "at", key: { "change.at": 1 } },
  { collection: "apps", name: "key-hash", key: { "keys.hash": 1 } },
  // Of apps that an earlier version wrote.
  { collection: "apps", name: "key", key: { keyHashes: 1 } },
];

/** For AttemptStore.attribute: only the references of providers that need it are indexed. */
const attributionIndexes = (provider: string): Index[] => [
  referencesOf(provider, "answered", "outcome.providerRef"),
  referencesOf(provider, "resolved", "resolution.outcome.providerRef"),
];
/** Where an existing key means "this was stored before": by any other unique index it would mean something else. */
export const COLLECTIONS = [
  ...["notifications", "contents", "blobs", "blob_chunks", "attempts", "attributions"],
  ...["contacts", "preferences", "preference_changes", "profiles", "caps", "apps", "poison", "leases"],
  ...["webhook_endpoints", "webhook_events"],
  ...["steering", "operator_actions"],
];

const NAMESPACE_NOT_FOUND = 26;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;

/**
 * Creates what is missing and reads all back: without the index on due every lease would read the collection.
 * Rejects with an UnsafeSettingError that names each index in the way.
 */
export async function ensureIndexes(
  db: Db,
  hosts: string,
  { attributedProviders = [], hasQuorum }: { attributedProviders?: readonly string[] | undefined; hasQuorum: boolean },
): Promise<void> {
  const dangers: Danger[] = [];
  for (const collection of COLLECTIONS) {
    const wanted = [...INDEXES, ...attributedProviders.flatMap(attributionIndexes)].filter((index) => index.collection === collection);
    for (const index of wanted) await create(db.collection(collection), index, hasQuorum);
    dangers.push(...indexDangers(collection, wanted, await list(db.collection(collection))));
  }
  if (dangers.length > 0) throw new UnsafeSettingError(`MongoDB at ${hosts}, database ${db.databaseName}`, dangers);
}

/**
 * Ignores a conflict with another index: reading the indexes back names it.
 * @param hasQuorum to wait for a majority of the members; by default the server waits for every one that votes, also one that is away
 */
function create(collection: Collection, { name, key, partialFilterExpression }: Index, hasQuorum: boolean): Promise<void> {
  const conflict = (error: unknown) =>
    error instanceof MongoServerError && (error.code === INDEX_OPTIONS_CONFLICT || error.code === INDEX_KEY_SPECS_CONFLICT);
  return asStoreError(`create index ${name} of ${collection.collectionName}`, async () => {
    try {
      const index = { name, key, ...(partialFilterExpression ? { partialFilterExpression } : {}) };
      await collection.createIndexes([index], hasQuorum ? { commitQuorum: "majority" } : {});
    } catch (error) {
      if (!conflict(error)) throw error;
    }
  });
}

function list(collection: Collection): Promise<Document[]> {
  return asStoreError(`list indexes of ${collection.collectionName}`, async () => {
    try {
      return await collection.indexes();
    } catch (error) {
      if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
      throw error;
    }
  });
}

/** What is in the way of the wanted indexes, or missing, or would make an insert look like a repetition. Pure. */
export function indexDangers(collection: string, wanted: readonly Omit<Index, "collection">[], found: readonly Document[]): Danger[] {
  const missing = wanted.filter((index) => !found.some((f) => isSame(f, index)));
  const dangers = missing.map((index): Danger => {
    const obstacle = found.find((f) => f.name === index.name) ?? found.find((f) => isDeepStrictEqual(keyOf(f), keyOf(index)));
    const value = obstacle
      ? `${obstacle.name === index.name ? "" : `there as ${obstacle.name}, `}${JSON.stringify(specOf(obstacle))}`
      : "missing";
    return {
      setting: `index ${index.name} of ${collection}`,
      value,
      why: `it must be ${JSON.stringify(specOf(index))}, or every query reads the whole collection`,
      fix: obstacle ? `${dropping(collection, obstacle)} and start again` : "see the server's log for why it was not made",
    };
  });
  const foreign = found.filter((f) => f.unique && f.name !== "_id_" && !wanted.some((index) => index.name === f.name));
  for (const index of foreign)
    dangers.push({
      setting: `index ${index.name} of ${collection}`,
      value: JSON.stringify(specOf(index)),
      why: "a duplicate key in it would be mistaken for a repeated insert, which counts as stored",
      fix: dropping(collection, index),
    });
  return dangers;
}

const dropping = (collection: string, { name }: Document) =>
  `db.getCollection(${JSON.stringify(collection)}).dropIndex(${JSON.stringify(name)})`;

const isSame = (found: Document, wanted: Omit<Index, "collection">) =>
  found.name === wanted.name && isDeepStrictEqual(keyOf(found), keyOf(wanted)) && isDeepStrictEqual(specOf(found), specOf(wanted));

/** As entries, because the order of its fields is part of a key. */
const keyOf = ({ key }: Document): unknown => Object.entries(key ?? {});

/** Key and options of an index, without options that are off and without what a server adds about storage. */
function specOf(index: Document): unknown {
  const ignored = ["v", "ns", "name", "key", "background", "storageEngine", "collection"];
  const options = Object.entries(index).filter(([option, value]) => !ignored.includes(option) && value !== false && value !== undefined);
  return { key: index.key, ...Object.fromEntries(options) };
}

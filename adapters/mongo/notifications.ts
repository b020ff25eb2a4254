import { setTimeout as delay } from "node:timers/promises";
import type { Collection, Filter } from "mongodb";
import { canonicalEndpoint } from "../../core/delivery/endpoint.ts";
import { isOpen, type NotificationRecord, type Recipient } from "../../core/delivery/notification.ts";
import type {
  CancelSelection,
  DeliveryChange,
  DeliveryCount,
  InsertResult,
  NotificationStore,
  Place,
  SearchSource,
} from "../../core/ports/notification-store.ts";
import { readFailed } from "../store/failures.ts";
import { StoreError } from "../store/store-error.ts";
import { createDeliveryCounts } from "../store/stored.ts";
import { changeUpdate } from "./change-update.ts";
import { asStoreError } from "./errors.ts";
import { decode, encode, type NotificationDocument } from "./notification-document.ts";
import { createOutbox } from "./outbox.ts";
import { inRounds, insertNew, newToken, updateAll } from "./writes.ts";

/** A document whose insert is under way exists before a majority read returns it: how often to read again, and how long to wait between, in ms. */
const EXISTING_TRIES_MAX = 10;
const EXISTING_RETRY_MS = 50;
/** About 0.1 MB a round trip. */
const INSERTING = { itemsMax: 64, concurrency: 2 };
/** Documents a cursor fetches at once. */
const BATCH_ROWS = 500;
/** The fields by which deliveries are counted. */
const DELIVERY_PROJECTION = { "deliveries.channel": 1, "deliveries.state": 1, "deliveries.reason": 1 };

export function createNotificationStore(collection: Collection<NotificationDocument>): NotificationStore {
  return {
    inserting: INSERTING,
    ...createOutbox(collection),

    insert: (records) => asStoreError("insert notifications", () => insert(collection, records)),

    find: (id) =>
      asStoreError("find notification", async () => {
        const document = await collection.findOne({ _id: id });
        return document && !document.purging ? decode(document) : undefined;
      }),

    change: (changes) =>
      asStoreError("change deliveries", async () => {
        const applied: boolean[] = changes.map(() => false);
        for (const round of inRounds(changes, (change) => change.deliveryId)) {
          const results = await changeRound(
            collection,
            round.map((i) => changes[i]!),
          );
          for (const [r, i] of round.entries()) applied[i] = results[r]!;
        }
        return applied;
      }),

    count: () =>
      asStoreError("count notifications", async () => {
        // Counted here, because one aggregation over all documents takes longer than any deadline of a call.
        const counts = createDeliveryCounts();
        let notifications = 0;
        const projection = { purging: 1, ...DELIVERY_PROJECTION };
        for await (const { purging, deliveries } of collection.find({}, { projection, batchSize: BATCH_ROWS })) {
          if (purging) continue;
          notifications++;
          for (const { channel, state, reason } of deliveries) counts.add(channel, state, reason, 1);
        }
        return { notifications, deliveries: counts.all() };
      }),

    openCounts: (limit) => openCounts(collection, limit),

    page: (after, limit) =>
      asStoreError("read notifications", async () => {
        // MongoDB takes a limit of 0 for no limit.
        if (limit <= 0) return [];
        return (await collection.find({ _id: { $gt: after }, purging: { $exists: false } }, { sort: { _id: 1 }, limit }).toArray()).map(
          decode,
        );
      }),

    ofRecipient: (app, recipient, after, limit) =>
      asStoreError("read notifications of a recipient", async () => {
        if (limit <= 0) return [];
        const theirs = { app, ...byRecipient(recipient), ...behind(after), purging: { $exists: false } } as Filter<NotificationDocument>;
        return (await collection.find(theirs, { sort: IN_ORDER, limit }).toArray()).map(decode);
      }),

    openOf: (app, selection, after, limit) =>
      asStoreError("read open notifications", async () => {
        if (limit <= 0) return [];
        return (await collection.find(openFilter(app, selection, after), { sort: IN_ORDER, limit }).toArray()).map(decode);
      }),

    countOpenOf: (app, selection, after, limit) =>
      asStoreError("count open notifications of a selection", () =>
        limit <= 0 ? Promise.resolve(0) : collection.countDocuments(openFilter(app, selection, after), { limit }),
      ),

    search: (app, source, { from, before }, limit) =>
      asStoreError("search notifications", async () => {
        if (limit <= 0) return [];
        const range = { $gte: from, $lte: before.acceptedAt };
        const found = {
          ...{ app, ...bySource(source), acceptedAt: range, purging: { $exists: false } },
          $or: [{ acceptedAt: { $lt: before.acceptedAt } }, { _id: { $lt: before.id } }],
        } as Filter<NotificationDocument>;
        return (await collection.find(found, { sort: { acceptedAt: -1, _id: -1 }, limit }).toArray()).map(decode);
      }),

    openOfApp: (app, limit) =>
      asStoreError("read open notifications of an app", async () =>
        limit <= 0 ? [] : (await collection.find({ app, due: { $gte: 0 }, purging: { $exists: false } }, { limit }).toArray()).map(decode),
      ),

    failed: (from, to) =>
      readFailed(
        (at, id, limit) =>
          asStoreError("read failures", async () => {
            // `$exists` makes the query use the partial index; the condition on failedAt alone bounds the range read from it.
            const above = {
              failedAt: { $exists: true, $gte: at },
              purging: { $exists: false },
              $or: [{ failedAt: { $gt: at } }, { _id: { $gt: id } }],
            };
            const documents = await collection.find(above, { sort: { failedAt: 1, _id: 1 }, limit }).toArray();
            return documents.map((document) => ({ failedAt: document.failedAt!, record: decode(document) }));
          }),
        from,
        to,
      ),

    // A range makes the query use the partial index alone; with `$exists` the server would fetch every document.
    openCount: (limit, dueUntil = Number.MAX_SAFE_INTEGER) =>
      asStoreError("count open notifications", () =>
        limit <= 0 ? Promise.resolve(0) : collection.countDocuments({ due: { $gte: 0, $lte: dueUntil } }, { limit }),
      ),

    openCountOf: (app, { from, until }, limit) =>
      asStoreError("count open notifications of an app", () =>
        limit <= 0 ? Promise.resolve(0) : collection.countDocuments({ app, due: { $gte: from, $lte: until } }, { limit }),
      ),
  };
}

async function* openCounts(collection: Collection<NotificationDocument>, limit: number): AsyncGenerator<DeliveryCount[]> {
  // MongoDB takes a limit of 0 for no limit.
  if (limit <= 0) return;
  const cursor = collection.find(
    { due: { $exists: true } },
    { projection: { sendAt: 1, ...DELIVERY_PROJECTION }, hint: { due: 1 }, limit, batchSize: BATCH_ROWS },
  );
  try {
    for (;;) {
      const more = await asStoreError("count open deliveries", () => cursor.hasNext());
      if (!more) return;
      const counts = createDeliveryCounts();
      for (const { sendAt, deliveries } of [...cursor.readBufferedDocuments()])
        for (const { channel, state, reason } of deliveries) if (isOpen(state)) counts.add(channel, state, reason, 1, sendAt);
      yield counts.all();
    }
  } finally {
    await cursor.close();
  }
}

const IN_ORDER = { acceptedAt: 1, _id: 1 } as const;
/** The range on `acceptedAt` alone bounds what is read of an index. */
const behind = ({ acceptedAt, id }: Place) => ({
  acceptedAt: { $gte: acceptedAt },
  $or: [{ acceptedAt: { $gt: acceptedAt } }, { _id: { $gt: id } }],
});

const openFilter = (app: string, { userId, cancelKey }: CancelSelection, after: Place): Filter<NotificationDocument> => ({
  app,
  ...(cancelKey === undefined ? {} : { cancelKey: { $exists: true, $eq: cancelKey } }),
  ...(userId === undefined ? {} : byRecipient({ kind: "user", userId })),
  ...behind(after),
  due: { $exists: true },
  purging: { $exists: false },
});

function bySource(source: SearchSource): Record<string, unknown> {
  switch (source.kind) {
    case "all":
      return {};
    case "recipient":
      return byRecipient(source.recipient);
    case "tag":
      return { tagTexts: { $exists: true, $eq: source.tag } };
  }
}

/** `$exists` is what the partial indexes ask for. An endpoint is stored in its canonical form. */
function byRecipient(recipient: Recipient): Record<string, unknown> {
  const is = (path: string, value: string) => ({ [`recipient.${path}`]: { $exists: true, $eq: value } });
  if (recipient.kind === "user") return is("userId", recipient.userId);
  const endpoint = canonicalEndpoint(recipient.endpoint);
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return { ...is("endpoint.token", endpoint.token), "recipient.endpoint.channel": endpoint.channel };
    case "webpush":
      return is("endpoint.pushUrl", endpoint.pushUrl);
    case "sms":
      return is("endpoint.phoneNumber", endpoint.phoneNumber);
    case "email":
      return is("endpoint.address", endpoint.address);
  }
}

async function insert(collection: Collection<NotificationDocument>, records: readonly NotificationRecord[]): Promise<InsertResult[]> {
  const first = new Map<string, NotificationRecord>();
  for (const record of records) if (!first.has(record.id)) first.set(record.id, record);
  const distinct = [...first.values()];
  const isNew = await insertNew(collection, distinct.map(encode));
  const existing = await readExisting(
    collection,
    distinct.filter((_, i) => !isNew[i]).map(({ id }) => id),
  );
  return records.map((record): InsertResult => {
    const before = existing.get(record.id);
    if (before) return { kind: "exists", record: before };
    const winner = first.get(record.id)!;
    return winner === record ? { kind: "inserted" } : { kind: "exists", record: winner };
  });
}

/** The records of existing ids, once a majority has them: until then they may be rolled back, and must not be answered with. */
async function readExisting(
  collection: Collection<NotificationDocument>,
  ids: readonly string[],
): Promise<Map<string, NotificationRecord>> {
  const found = new Map<string, NotificationRecord>();
  for (let tries = 1; found.size < ids.length; tries++) {
    if (tries > EXISTING_TRIES_MAX) throw new StoreError("MongoDB, insert notifications: an id exists but a majority does not have it yet");
    if (tries > 1) await delay(EXISTING_RETRY_MS);
    for (const document of await collection.find({ _id: { $in: ids.filter((id) => !found.has(id)) } }).toArray())
      found.set(document._id, decode(document));
  }
  return found;
}

/** Changes of different deliveries, in one round trip where all apply and two where some do not. */
async function changeRound(collection: Collection<NotificationDocument>, changes: readonly DeliveryChange[]): Promise<boolean[]> {
  const token = newToken();
  const all = await updateAll(
    collection,
    changes.map((change) => changeUpdate(change, token)),
  );
  if (all) return changes.map(() => true);
  const ids = [...new Set(changes.map((c) => c.notificationId))];
  const projection = { "deliveries.id": 1, "deliveries.changes": 1 };
  const documents = await collection.find({ _id: { $in: ids } }, { projection }).toArray();
  const ours = new Set(documents.flatMap((d) => d.deliveries.filter((x) => x.changes?.includes(token)).map((x) => x.id)));
  return changes.map((change) => ours.has(change.deliveryId));
}

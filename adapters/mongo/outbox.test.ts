// How relays share the outbox on MongoDB.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { CLASSES } from "../../core/delivery/channel.ts";
import { findMongoServer, NO_MONGODB, withDatabase } from "../../test/support/mongod.ts";
import { ids, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { encode, type NotificationDocument } from "./notification-document.ts";
import { openMongoStore } from "./open.ts";
import { createOutbox } from "./outbox.ts";
import { updateAll } from "./writes.ts";

const server = await findMongoServer();

/** Where callers wait until every party has arrived. Who leaves is no longer waited for. */
function createBarrier(parties: number) {
  const waiting: (() => void)[] = [];
  let left = 0;
  const open = () => {
    if (waiting.length < parties - left) return;
    for (const pass of waiting.splice(0)) pass();
  };
  return {
    arrive: () =>
      new Promise<void>((pass) => {
        waiting.push(pass);
        open();
      }),
    leave: () => {
      left++;
      open();
    },
  };
}

/**
 * Several relays in lockstep: nobody leases before all have read their candidates, nor reads again before all have leased. So every candidate
 * that two of them read is read while both can still lease it, however fast each of them is. Counts the candidates.
 */
function inLockstep(collection: Collection<NotificationDocument>, relays: number) {
  const [haveRead, haveLeased] = [createBarrier(relays), createBarrier(relays)];
  let candidates = 0;
  const find = (...given: Parameters<typeof collection.find>) => {
    const cursor = collection.find(...given);
    if (given[1]?.projection?.due !== 1) return cursor;
    return {
      async toArray() {
        const found = await cursor.toArray();
        candidates += found.length;
        return found;
      },
    };
  };
  const bulkWrite = async (...given: Parameters<typeof collection.bulkWrite>) => {
    await haveRead.arrive();
    const result = await collection.bulkWrite(...given);
    await haveLeased.arrive();
    return result;
  };
  const own: Readonly<Record<string | symbol, unknown>> = { find, bulkWrite };
  return {
    collection: new Proxy(collection, { get: (target, name) => own[name] ?? Reflect.get(target, name, target) }),
    leave() {
      haveRead.leave();
      haveLeased.leave();
    },
    read: () => candidates,
  };
}

if (!server) {
  it("MongoDB outbox", { skip: NO_MONGODB });
} else {
  const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  after(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });
  const withCollection = async (work: (collection: Collection<NotificationDocument>) => Promise<void>) => {
    const database = `carillon-test-${randomBytes(6).toString("hex")}`;
    try {
      await (await openMongoStore(withDatabase(server.uri, database)))[Symbol.asyncDispose]();
      await work(client.db(database).collection<NotificationDocument>("notifications"));
    } finally {
      await client.db(database).dropDatabase();
    }
  };

  describe("MongoDB outbox", () => {
    for (const relays of [2, 4])
      it(`${relays} relays that begin at different ranges read no candidate of one another, and lease all that are due`, () =>
        withCollection(async (collection) => {
          const DUE = 1_600;
          // Less than is due in each of the 16 ranges, and more than half of it.
          const LIMIT = 80;
          const records = Array.from({ length: DUE }, (_, i) =>
            sampleNotification([T0 - (i % 7)], { id: `${(i % 16).toString(16)}${i.toString(16).padStart(31, "0")}` }),
          );
          await collection.insertMany(records.map(encode));
          const lockstep = inLockstep(collection, relays);
          const leased = await Promise.all(
            Array.from({ length: relays }, async (_, i) => {
              try {
                const outbox = createOutbox(lockstep.collection, () => i / relays);
                const mine: string[] = [];
                for (;;) {
                  const keys = await outbox.dueKeys(T0);
                  const takes = keys.map((key) => ({ key, limit: LIMIT }));
                  const taken = await outbox.leaseDue(T0, T0 + 60_000, takes);
                  if (taken.length === 0) break;
                  mine.push(...ids(taken));
                }
                assert.deepEqual(await outbox.dueKeys(T0), [], "it ends only where nothing is due");
                return mine;
              } finally {
                lockstep.leave();
              }
            }),
          );
          assert.deepEqual(leased.flat().sort(), ids(records).sort());
          assert.equal(lockstep.read(), DUE);
        }));

    it("changes the same notifications from two relays at once, whatever order each has them in", () =>
      withCollection(async (collection) => {
        const records = Array.from({ length: 1_000 }, () => sampleNotification([T0]));
        await collection.insertMany(records.map(encode));
        const updates = ids(records).map((_id) => ({ updateOne: { filter: { _id }, update: { $inc: { due: 1 } } } }));
        const both = [updates, updates.toReversed()].map(async (own) => {
          for (let i = 0; i < 10; i++) assert.equal(await updateAll(collection, own), true);
        });
        await Promise.all(both);
        assert.equal(await collection.countDocuments({ due: T0 + 20 }), records.length);
      }));

    it("reads the keys that are due with one query each, of which none reads more than its first entry", () =>
      withCollection(async (collection) => {
        const due = CLASSES.flatMap((notificationClass) => ["a", "b-c", "d"].map((app) => ({ app, notificationClass })));
        const later = { app: "later", notificationClass: "critical" } as const;
        const records = [
          ...due.flatMap((of) => Array.from({ length: 50 }, (_, i) => sampleNotification([T0 - i], of))),
          sampleNotification([T0 + 1], later),
        ];
        await collection.insertMany(records.map(encode));
        const queries: Parameters<typeof collection.find>[] = [];
        const find = (...given: Parameters<typeof collection.find>) => {
          queries.push(given);
          return collection.find(...given);
        };
        const watched = new Proxy(collection, { get: (target, name) => (name === "find" ? find : Reflect.get(target, name, target)) });
        assert.deepEqual(await createOutbox(watched).dueKeys(T0), due.map(({ app, notificationClass: c }) => `${c}.sms.${app}`).sort());
        // One more for each class, which finds no further key, and one for what has no key.
        assert.ok(queries.length <= due.length + CLASSES.length + 1, `${queries.length} queries`);
        for (const [filter, options] of queries) {
          assert.equal(options?.limit, 1);
          const { executionStats: stats } = await collection.find(filter!, options).explain("executionStats");
          // Only MongoDB itself tells.
          if (stats?.totalKeysExamined === undefined) continue;
          assert.ok(stats.totalKeysExamined <= 2 + due.length && stats.totalDocsExamined <= 1, JSON.stringify(stats));
        }
      }));

    it("reads a bounded number of keys at a time, and all of them in turn", () =>
      withCollection(async (collection) => {
        const apps = Array.from({ length: 600 }, (_, i) => `app-${i}`);
        await collection.insertMany(apps.map((app) => encode(sampleNotification([T0], { app, notificationClass: "marketing" }))));
        await collection.insertOne(encode(sampleNotification([T0], { notificationClass: "transactional" })));
        const outbox = createOutbox(collection);
        const calls = [await outbox.dueKeys(T0), await outbox.dueKeys(T0), await outbox.dueKeys(T0)];
        for (const keys of calls) {
          assert.equal(keys.length, 257);
          assert.equal(new Set(keys).size, 257);
          assert.equal(keys.at(-1), "transactional.sms.shop", "a class does not wait for another one's keys");
        }
        assert.equal(new Set(calls.flat()).size, 601);
      }));

    it("leases what an earlier version stored without a key", () =>
      withCollection(async (collection) => {
        const [old, ended, now] = [sampleNotification([T0]), sampleNotification([undefined]), sampleNotification([T0])];
        await collection.insertMany([old, ended, now].map(encode));
        await collection.updateMany({ _id: { $in: ids([old, ended]) } }, { $unset: { outboxKey: 1 } });
        const outbox = createOutbox(collection);
        assert.deepEqual(await outbox.dueKeys(T0), ["", "transactional.sms.shop"]);
        assert.deepEqual(await outbox.dueUnder("", T0, 10), { oldest: T0, count: 1 });
        assert.deepEqual(await outbox.leaseDue(T0, T0 + 1, [{ key: "", limit: 10 }]), [old]);
      }));

    it("leases what an earlier version stored under a key alone, whatever room its queue has", () =>
      withCollection(async (collection) => {
        const [old, later, now] = [sampleNotification([T0]), sampleNotification([T0 + 1]), sampleNotification([T0])];
        await collection.insertMany([old, later, now].map(encode));
        await collection.updateMany({ _id: { $in: ids([old, later]) } }, { $unset: { laterDue: 1 } });
        assert.deepEqual(await createOutbox(collection).leaseDue(T0, T0 + 1, [{ later: "transactional", limit: 10 }]), [old]);
      }));
  });
}

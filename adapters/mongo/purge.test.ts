import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { PURGE_AGE_MS_MIN } from "../../core/delivery/lifetime.ts";
import { allAttempts } from "../../test/support/everything.ts";
import { findMongoServer, NO_MONGODB, withDatabase } from "../../test/support/mongod.ts";
import { sampleAttempt, sampleChange, sampleNotification } from "../../test/support/store/samples.ts";
import { openStore } from "../store/open-store.ts";
import type { NotificationDocument } from "./notification-document.ts";

const server = await findMongoServer();

if (!server) {
  it("MongoDB store: purge", { skip: NO_MONGODB });
} else {
  const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  after(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  const before = Date.now() - PURGE_AGE_MS_MIN - 60_000;
  const ended = { state: "sent", nextAt: undefined, endedAt: before - 1, providerRef: "r" } as const;

  /** A store with one notification that has ended, and one attempt of it. */
  async function openWithEnded() {
    const name = `carillon-test-${randomBytes(6).toString("hex")}`;
    const store = await openStore(withDatabase(server!.uri, name));
    const record = sampleNotification([before], { acceptedAt: before - 9 });
    await store.notifications.insert([record]);
    await store.notifications.change([sampleChange(record, 0, ended)]);
    await store.attempts.claim([sampleAttempt({ deliveryId: `${record.id}-0` })]);
    const notifications: Collection<NotificationDocument> = client.db(name).collection("notifications");
    return {
      ...{ store, record, notifications },
      [Symbol.asyncDispose]: async () => {
        await store[Symbol.asyncDispose]();
        await client.db(name).dropDatabase();
      },
    };
  }

  describe("MongoDB store: a purge that was interrupted", () => {
    for (const [where, attemptsLeft] of [
      ["before it removed the attempts", true],
      ["after it removed the attempts", false],
    ] as const)
      it(`${where} hides the notification, keeps its id, and is finished by the next purge`, async () => {
        await using opened = await openWithEnded();
        const { store, record, notifications } = opened;
        await notifications.updateOne({ _id: record.id }, { $set: { purging: true } });
        if (!attemptsLeft) await client.db(notifications.dbName).collection("attempts").deleteMany({});
        assert.equal(await store.notifications.find(record.id), undefined);
        assert.deepEqual(await store.notifications.page("", 10), []);
        assert.equal((await store.notifications.count()).notifications, 0);
        const redrive = sampleChange(record, 0, { state: "pending", nextAt: before, endedAt: undefined }, { states: ["sent"] });
        assert.deepEqual(await store.notifications.change([redrive]), [false]);
        assert.deepEqual(
          (await store.notifications.insert([record])).map(({ kind }) => kind),
          ["exists"],
        );
        const counts = await store.purge({ app: record.app, notificationClass: record.notificationClass, before }, 10);
        assert.deepEqual([counts.notifications, counts.attempts], [1, attemptsLeft ? 1 : 0]);
        assert.deepEqual(await allAttempts(store), []);
        assert.deepEqual(
          (await store.notifications.insert([record])).map(({ kind }) => kind),
          ["inserted"],
        );
      });
  });

  describe("MongoDB store: notifications that ended before there was endedAt", () => {
    it("are purged as the others, and what is open among them stays", async () => {
      await using opened = await openWithEnded();
      const { store, record, notifications } = opened;
      const open = sampleNotification([before], { acceptedAt: before - 9 });
      await store.notifications.insert([open]);
      await notifications.updateMany({}, { $unset: { endedAt: "" } });
      assert.equal((await store.purge({ app: record.app, notificationClass: record.notificationClass, before }, 10)).notifications, 1);
      assert.equal(await store.notifications.find(record.id), undefined);
      assert.equal((await notifications.findOne({ _id: open.id }))?.endedAt, undefined);
      const migrations = client.db(notifications.dbName).collection<{ _id: string; done: boolean }>("migrations");
      assert.equal((await migrations.findOne({ _id: "endedAt" }))?.done, true);
    });
  });

  describe("MongoDB store: endedAt", () => {
    it("is set exactly while nothing is open", async () => {
      await using opened = await openWithEnded();
      const { store, record, notifications } = opened;
      const documentIs = async () => (await notifications.findOne({ _id: record.id }))!;
      assert.deepEqual([(await documentIs()).endedAt, "due" in (await documentIs())], [before - 1, false]);
      const redriven = { state: "pending", attempt: 2, nextAt: before, endedAt: undefined, providerRef: undefined } as const;
      await store.notifications.change([sampleChange(record, 0, redriven, { states: ["sent"] })]);
      assert.deepEqual(["endedAt" in (await documentIs()), (await documentIs()).due], [false, before]);
    });
  });
}

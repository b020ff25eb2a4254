import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { after, describe, it } from "node:test";
import { type Collection, type Document, MongoClient } from "mongodb";
import { FIRST_PLACE, LAST_PLACE } from "../../core/ports/notification-store.ts";
import { changing } from "../../test/support/changing.ts";
import { startCuttingProxy } from "../../test/support/cutting-proxy.ts";
import { findMongoServer, NO_MONGODB, withDatabase } from "../../test/support/mongod.ts";
import { sampleAttempt, sampleChange, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { describeStoreContract, type TestDatabase } from "../../test/support/store-contract.ts";
import { openStore, StoreError } from "../store/open-store.ts";
import { type AttemptDocument, type AttributionDocument, createAttemptStore } from "./attempts.ts";
import type { NotificationDocument } from "./notification-document.ts";
import { createNotificationStore } from "./notifications.ts";
import { openMongoStore } from "./open.ts";
import type { PreferenceChangeDocument } from "./preference-history.ts";
import { createPreferenceStore, type PreferenceDocument } from "./preferences.ts";
import type { WebhookEventDocument } from "./webhook-events.ts";
import type { WebhookEndpointsDocument } from "./webhooks.ts";

const ADS = { channel: "sms", category: "ads" } as const;
const server = await findMongoServer();

if (!server) {
  it("MongoDB store", {
    skip: NO_MONGODB,
  });
} else {
  const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  after(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  const createDatabase = async (): Promise<TestDatabase & { name: string }> => {
    const name = `carillon-test-${randomBytes(6).toString("hex")}`;
    return {
      name,
      url: withDatabase(server.uri, name),
      [Symbol.asyncDispose]: async () => {
        await client.db(name).dropDatabase();
      },
    };
  };

  describeStoreContract("MongoDB store", createDatabase);

  describe("MongoDB store: a line that is cut before the answer", () => {
    it("answers the repeated insert with the record, once", async () => {
      await using database = await createDatabase();
      await using proxy = await startCuttingProxy(server.uri);
      await using store = await openStore(proxy.through(database.url));
      const records = [sampleNotification(), sampleNotification()];
      proxy.cut = true;
      await assert.rejects(store.notifications.insert(records), StoreError);
      await proxy.answered(1);
      proxy.cut = false;
      const exist = records.map((record) => ({ kind: "exists", record }));
      assert.deepEqual(await store.notifications.insert(records), exist);
      assert.equal((await store.notifications.count()).notifications, 2);
    });

    it("changes a delivery once, and does not answer a repeated claim as ours", async () => {
      await using database = await createDatabase();
      await using proxy = await startCuttingProxy(server.uri);
      await using store = await openStore(proxy.through(database.url));
      await using direct = await openStore(database.url);
      const record = sampleNotification([T0]);
      const attempt = sampleAttempt();
      await direct.notifications.insert([record]);
      const change = sampleChange(record, 0, { state: "sent", nextAt: undefined, providerRef: "ref" });
      proxy.cut = true;
      await assert.rejects(store.notifications.change([change]), StoreError);
      await assert.rejects(store.attempts.claim([attempt]), StoreError);
      await proxy.answered(2);
      proxy.cut = false;
      assert.deepEqual(await store.notifications.change([change]), [false]);
      assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.providerRef, "ref");
      assert.deepEqual(await store.attempts.claim([attempt]), [false]);
    });

    it("resolves an attempt once", async () => {
      await using database = await createDatabase();
      await using proxy = await startCuttingProxy(server.uri);
      await using store = await openStore(proxy.through(database.url));
      await using direct = await openStore(database.url);
      const attempt = sampleAttempt();
      await direct.attempts.claim([attempt]);
      const first = { outcome: { kind: "accepted", providerRef: "first" }, by: "receipt", at: T0 } as const;
      const second = { outcome: { kind: "rejected", reason: "bounced" }, by: "status-query", at: T0 + 1 } as const;
      proxy.cut = true;
      await assert.rejects(store.attempts.resolve([{ id: attempt.id, resolution: first }]), StoreError);
      await proxy.answered(1);
      proxy.cut = false;
      for (const resolution of [first, second]) assert.deepEqual(await store.attempts.resolve([{ id: attempt.id, resolution }]), [false]);
      assert.deepEqual(await direct.attempts.find([attempt.id]), [{ ...attempt, resolution: first }]);
    });
  });

  describe("MongoDB store: a line that is cut before a reference is given", () => {
    it("has given it to the attempt that asked, and to none after it", async () => {
      await using database = await createDatabase();
      await using proxy = await startCuttingProxy(server.uri);
      await using store = await openStore(proxy.through(database.url));
      const [first, second] = [sampleAttempt(), sampleAttempt()];
      proxy.cut = true;
      await assert.rejects(store.attempts.attribute("twilio", "SM1", first.id), StoreError);
      await proxy.answered(1);
      proxy.cut = false;
      assert.equal(await store.attempts.attribute("twilio", "SM1", second.id), false);
      assert.equal(await store.attempts.attribute("twilio", "SM1", first.id), true);
    });
  });

  describe("MongoDB store: what is kept", () => {
    it("answers from an index what pages through everything", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url, { mongo: { attributedProviders: ["twilio"] } });
      const record = sampleNotification([undefined]);
      Object.assign(record.deliveries[0]!, { state: "failed" });
      Object.assign(record, { tags: { order: "1" }, cancelKey: "k" });
      await store.notifications.insert([record]);
      await store.attempts.claim([sampleAttempt({ outcome: { kind: "accepted", providerRef: "SM1" } })]);
      await using listening = new MongoClient(server.uri, { monitorCommands: true, ignoreUndefined: true });
      const finds: Document[] = [];
      listening.on("commandStarted", ({ commandName, command: { find, filter, sort, limit } }) => {
        if (commandName === "find") finds.push({ find, filter, ...(sort ? { sort } : {}), ...(limit ? { limit } : {}) });
      });
      const db = listening.db(database.name);
      const notifications = createNotificationStore(db.collection<NotificationDocument>("notifications"));
      assert.equal((await notifications.page("", 10)).length, 1);
      assert.equal((await Array.fromAsync(notifications.failed(0, T0 * 2))).length, 1);
      const attempts = createAttemptStore(db.collection<AttemptDocument>("attempts"), db.collection<AttributionDocument>("attributions"));
      assert.equal((await attempts.between("0", "f")).length, 1);
      assert.equal(await attempts.attribute("twilio", "SM1", "other/1"), false);
      const range = { from: 0, before: LAST_PLACE };
      const sources = [{ kind: "all" }, { kind: "recipient", recipient: record.recipient }, { kind: "tag", tag: "order=1" }] as const;
      for (const source of sources) assert.equal((await notifications.search("shop", source, range, 5)).length, 1);
      assert.equal((await notifications.openOf("shop", { cancelKey: "k" }, FIRST_PLACE, 5)).length, 0);
      assert.equal((await attempts.withReference("SM1", 5)).length, 1);
      const [page, failed, between, attributed, _attribution, ...searches] = await Promise.all(
        finds.map(async (find) => JSON.stringify(await db.command({ explain: find, verbosity: "queryPlanner" }))),
      );
      // MongoDB's words, or those of PostgreSQL beneath FerretDB.
      for (const plan of [page, between]) assert.match(plan!, /"IXSCAN"|"Index Scan".*object_id OPERATOR|object_id OPERATOR.*"Index Scan"/);
      assert.match(failed!, /"indexName":"failures"/);
      for (const index of ["answered-twilio", "resolved-twilio"]) assert.match(attributed!, new RegExp(`"indexName":"${index}"`));
      for (const [i, index] of ["accepted", "to-userId", "tags", "cancel-key", "reference-outcome", "reference-resolution"].entries())
        assert.match(searches[i]!, new RegExp(`"indexName":"${index}"`));
      for (const plan of [page, failed, between, attributed, ...searches]) assert.doesNotMatch(plan!, /COLLSCAN|Seq Scan/);
    });

    it("has a place in the order of failures exactly while a delivery is failed", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const record = sampleNotification([T0, T0]);
      await store.notifications.insert([record]);
      const documentIs = async () => (await client.db(database.name).collection("notifications").findOne())!;
      assert.equal("failedAt" in (await documentIs()), false);
      await store.notifications.change([sampleChange(record, 1, { state: "failed", nextAt: undefined, endedAt: T0 + 30 })]);
      await store.notifications.change([sampleChange(record, 0, { state: "failed", nextAt: undefined, endedAt: T0 + 10 })]);
      assert.equal((await documentIs()).failedAt, T0 + 30);
      const redriven = [0, 1].map((i) =>
        sampleChange(record, i, { state: "pending", attempt: 2, nextAt: T0 + 50, endedAt: undefined }, { states: ["failed"] }),
      );
      await store.notifications.change(redriven);
      const document = await documentIs();
      assert.equal("failedAt" in document, false);
      assert.equal(document.due, T0 + 50);
    });

    it("holds one document per notification, due in it, and no undefined as null", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const record = sampleNotification([T0, T0 + 5]);
      await store.notifications.insert([{ ...record, collapseKey: undefined }]);
      const documents = await client.db(database.name).collection("notifications").find().toArray();
      assert.equal(documents.length, 1);
      assert.equal(documents[0]?.due, T0);
      assert.equal("collapseKey" in documents[0]!, false);
      await store.notifications.change([0, 1].map((i) => sampleChange(record, i, { state: "sent", nextAt: undefined })));
      const [ended] = await client.db(database.name).collection("notifications").find().toArray();
      assert.equal("due" in ended!, false);
    });

    it("makes the events of a change whose process died before them: by the next change, or by recovery", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const hook = { name: "crm", url: "https://a.example/", secrets: [{ sealed: "a" }] };
      await store.webhooks.change("shop", () => [hook]);
      const db = client.db(database.name);
      const [preferences, history] = [
        db.collection<PreferenceDocument>("preferences"),
        db.collection<PreferenceChangeDocument>("preference_changes"),
      ];
      const [endpoints, events] = [
        db.collection<WebhookEndpointsDocument>("webhook_endpoints"),
        db.collection<WebhookEventDocument>("webhook_events"),
      ];
      /** Its inserts never reach the server. */
      const dying = <T extends Document>(collection: Collection<T>): Collection<T> =>
        Object.create(collection, { insertMany: { value: () => Promise.reject(new Error("the process died")) } });
      const beforeEvents = createPreferenceStore(preferences, history, { endpoints, events: dying(events) });
      const beforeHistory = createPreferenceStore(preferences, dying(history), { endpoints, events });
      const die = (dead: typeof beforeEvents, subject: string) => assert.rejects(dead.update("shop", subject, changing([ADS]), T0), /died/);
      const told = async () =>
        (await store.webhooks.due("shop", "crm", T0, 9)).map(({ change: { subject, version } }) => `${subject}/${version}`).sort();

      await die(beforeEvents, "user:u1");
      await die(beforeHistory, "user:u2");
      await die(beforeHistory, "user:u3");
      assert.deepEqual(await told(), []);
      await store.preferences.update("shop", "user:u3", changing([ADS]), T0);
      assert.deepEqual(await told(), ["user:u3/1", "user:u3/2"]);
      assert.equal(await store.webhooks.recover(T0, 9), 0, "too early");
      assert.deepEqual([await store.webhooks.recover(T0 + 1, 1), await store.webhooks.recover(T0 + 1, 9)], [1, 1]);
      assert.deepEqual(await told(), ["user:u1/1", "user:u2/1", "user:u3/1", "user:u3/2"]);
      assert.equal((await store.preferences.history("shop", "user:u2", 9, 9)).length, 1);
      assert.equal(await store.webhooks.recover(T0 + 1, 9), 0);
      assert.equal((await store.preferences.find("shop", ["user:u1"]))[0]?.version, 1);
      assert.equal(await preferences.countDocuments({ untold: { $exists: true } }), 0);
    });

    it("an erased subject's events stay away, also where its process died before them", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      await store.webhooks.change("shop", () => [{ name: "crm", url: "https://a.example/", secrets: [] }]);
      await store.preferences.update("shop", "user:u1", changing([ADS]), T0);
      await client
        .db(database.name)
        .collection("preferences")
        .updateOne({}, { $set: { untold: { at: T0, endpoints: ["crm"] } } });
      await store.preferences.removeHistory("shop", "user:u1");
      assert.deepEqual([await store.webhooks.recover(T0 + 1, 9), await store.webhooks.oldest()], [0, undefined]);
    });

    it("has the references of those providers that are attributed in indexes of their own, beside those of all", async () => {
      await using database = await createDatabase();
      const limits = async () => {
        const found = await client.db(database.name).collection("attempts").indexes();
        return found
          .flatMap(({ name, partialFilterExpression }) => (name === "_id_" ? [] : [partialFilterExpression?.provider ?? "all"]))
          .sort();
      };
      await using store = await openStore(database.url);
      // The collection begins with its first document.
      await store.attempts.claim([sampleAttempt()]);
      assert.deepEqual(await limits(), ["all", "all"]);
      await using _attributing = await openStore(database.url, { mongo: { attributedProviders: ["twilio", "other"] } });
      assert.deepEqual(await limits(), ["all", "all", "other", "other", "twilio", "twilio"]);
      await using _again = await openStore(database.url);
    });

    it("keeps no more than the last few tokens of a delivery's changes", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const record = sampleNotification([T0]);
      await store.notifications.insert([record]);
      for (let attempt = 1; attempt <= 9; attempt++)
        assert.deepEqual(await store.notifications.change([sampleChange(record, 0, { attempt: attempt + 1 }, { attempt })]), [true]);
      const [document] = await client.db(database.name).collection("notifications").find().toArray();
      assert.equal(document?.deliveries[0].changes.length, 4);
    });
  });
}

describe("MongoDB store: opening", { concurrency: true }, () => {
  const secret = "hunter2";
  const rejects = (uri: string, says: RegExp) =>
    assert.rejects(openMongoStore(uri), (error) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.message, says);
      assert.doesNotMatch(`${error.message}${error.stack}`, new RegExp(secret));
      assert.equal(error.cause, undefined);
      return true;
    });

  it("names the host and what to do when no server answers there, never the password", async () => {
    const unused = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => unused.once("listening", resolve));
    const { port } = unused.address() as { port: number };
    await new Promise((resolve) => unused.close(resolve));
    await rejects(`mongodb://who:${secret}@127.0.0.1:${port}/x`, new RegExp(`127.0.0.1:${port}.*docker run`));
  });

  it("gives up on a server that accepts and says nothing", async () => {
    const mute = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => mute.once("listening", resolve));
    mute.on("connection", (socket) => socket.on("error", () => {}).resume());
    const { port } = mute.address() as { port: number };
    await rejects(`mongodb://who:${secret}@127.0.0.1:${port}/x`, new RegExp(`127.0.0.1:${port}`));
    await new Promise((resolve) => mute.close(resolve));
  });

  it("does not repeat a URI it cannot parse", async () => {
    await rejects(`mongodb://who:${secret}@/x?nonsense=${secret}`, /cannot be parsed/);
  });
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { BSON, type Document, type IndexDescription, MongoClient } from "mongodb";
import type { Block } from "../../core/preferences/block.ts";
import { changing } from "../../test/support/changing.ts";
import { findMongoServer, NO_MONGODB, withDatabase } from "../../test/support/mongod.ts";
import { T0 } from "../../test/support/store/samples.ts";
import { describeStoredData } from "../../test/support/stored/describe-stored-data.ts";
import { openStore } from "../store/open-store.ts";

/** What the code at revision 2972bbf wrote to each collection, and the indexes it made. */
const STORED = BSON.EJSON.parse(readFileSync(new URL("../../test/support/stored/mongodb.ejson", import.meta.url), "utf8")) as Record<
  string,
  { indexes: IndexDescription[]; documents: Document[] }
>;

const server = await findMongoServer();

if (!server) {
  it("MongoDB store: data of an earlier version", {
    skip: NO_MONGODB,
  });
} else {
  const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  after(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  const createDatabase = async () => {
    const db = client.db(`carillon-test-${randomBytes(6).toString("hex")}`);
    for (const [name, { indexes, documents }] of Object.entries(STORED)) {
      if (indexes.length > 0) await db.collection(name).createIndexes(indexes);
      await db.collection(name).insertMany(documents);
    }
    return { url: withDatabase(server.uri, db.databaseName), [Symbol.asyncDispose]: async () => void (await db.dropDatabase()) };
  };
  describeStoredData("MongoDB store", createDatabase);

  describe("MongoDB store: the history of preferences", () => {
    it("holds a change whose process died between the record and the history, and so do later ones", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const changes = client.db(new URL(database.url).pathname.slice(1)).collection("preference_changes");
      const update = async (category: string) =>
        (await store.preferences.update("shop", "user:died", changing([{ channel: "sms", category }]), T0)).lastChange;
      const history = () => store.preferences.history("shop", "user:died", Number.MAX_SAFE_INTEGER, 10);
      /** As where the second write was never made. */
      const die = async (version: number) => assert.equal((await changes.deleteOne({ version })).deletedCount, 1);

      const first = await update("a");
      await die(1);
      assert.deepEqual(await history(), [first], "reading completes it");
      const second = await update("b");
      await die(2);
      const third = await update("c");
      await die(3);
      assert.equal(await changes.countDocuments({}), 2, "what is written next completes it");
      assert.deepEqual(await history(), [third, second, first]);
      assert.deepEqual(await history(), [third, second, first]);
    });
  });

  describe("MongoDB store: beside processes of an earlier version", () => {
    it("leaves them the opt-outs that it writes", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const db = client.db(new URL(database.url).pathname.slice(1));
      const optOut = { channel: "sms", category: "ads" } as const;
      for (const subject of ["user:new", "user:u1"]) {
        const { optOuts } = await store.preferences.update("shop", subject, changing([optOut]), T0);
        assert.deepEqual((await db.collection("preferences").findOne({ app: "shop", subject }))?.refusals, optOuts);
      }
    });

    it("has blocks obeyed and kept by them, and reads what they made of it", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const records = client.db(new URL(database.url).pathname.slice(1)).collection("preferences");
      const block: Block = { kind: "stop", reason: "STOP", source: "twilio", at: T0 };
      await store.preferences.update("shop", "endpoint:e", { ...changing([{ channel: "sms", category: "ads" }]), block: [block] }, T0);
      // As the version before this one reads and replaces it: it knows opt-outs alone, and keeps each as it is.
      const { app, subject, version, optOuts } = (await records.findOne({ app: "shop", subject: "endpoint:e" }))!;
      assert.ok(
        optOuts.some((o: Document) => o.channel === "*" && o.category === "*"),
        "an opt-out of everything",
      );
      const all = [...optOuts, { channel: "email", category: "ads" }];
      const replaced = { app, subject, version: version + 1, optOuts: all, refusals: all, updatedAt: T0 + 1 };
      await records.replaceOne({ app, subject, version }, replaced);
      const [found] = await store.preferences.find("shop", ["endpoint:e"]);
      assert.deepEqual(found?.blocks, [block]);
      assert.deepEqual(found?.optOuts, [
        { channel: "sms", category: "ads" },
        { channel: "email", category: "ads" },
      ]);
    });

    it("takes their word where they replaced a record", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const db = client.db(new URL(database.url).pathname.slice(1));
      const before = await store.preferences.update("shop", "user:u1", changing([{ channel: "sms", category: "ads" }]), T0);
      const refusals = [{ channel: "*", category: "*" }];
      const { app, subject, version } = before;
      await db.collection("preferences").replaceOne({ app, subject }, { app, subject, version: version + 1, refusals, updatedAt: T0 + 1 });
      assert.deepEqual(await store.preferences.find(app, [subject]), [
        { app, subject, version: version + 1, optOuts: refusals, consents: [], blocks: [], updatedAt: T0 + 1 },
      ]);
    });
  });
}

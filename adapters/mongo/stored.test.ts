import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { BSON, type Document, type IndexDescription, MongoClient } from "mongodb";
import { startMongod, withDatabase } from "../../test/support/mongod.ts";
import { T0 } from "../../test/support/store/samples.ts";
import { describeStoredData } from "../../test/support/stored/describe-stored-data.ts";
import { openStore } from "../store/open-store.ts";

/** What the code at revision 2972bbf wrote to each collection, and the indexes it made. */
const STORED = BSON.EJSON.parse(readFileSync(new URL("../../test/support/stored/mongodb.ejson", import.meta.url), "utf8")) as Record<
  string,
  { indexes: IndexDescription[]; documents: Document[] }
>;

const given = process.env.MONGODB_URI;
const server = given ? { uri: given, [Symbol.asyncDispose]: async () => {} } : await startMongod();

if (!server) {
  it("MongoDB store: data of an earlier version", {
    skip: "skipped, MONGODB_URI is not set and no mongod is on PATH; `make test-mongodb` brings up a server",
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

  describe("MongoDB store: beside processes of an earlier version", () => {
    it("leaves them the opt-outs that it writes", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const db = client.db(new URL(database.url).pathname.slice(1));
      const optOut = { channel: "sms", category: "ads" } as const;
      for (const subject of ["user:new", "user:u1"]) {
        const { optOuts } = await store.preferences.update("shop", subject, [optOut], [], T0);
        assert.deepEqual((await db.collection("preferences").findOne({ app: "shop", subject }))?.refusals, optOuts);
      }
    });

    it("takes their word where they replaced a record", async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url);
      const db = client.db(new URL(database.url).pathname.slice(1));
      const before = await store.preferences.update("shop", "user:u1", [{ channel: "sms", category: "ads" }], [], T0);
      const refusals = [{ channel: "*", category: "*" }];
      const { app, subject, version } = before;
      await db.collection("preferences").replaceOne({ app, subject }, { app, subject, version: version + 1, refusals, updatedAt: T0 + 1 });
      assert.deepEqual(await store.preferences.find(app, [subject]), [
        { app, subject, version: version + 1, optOuts: refusals, updatedAt: T0 + 1 },
      ]);
    });
  });
}

// What a start reads back from MongoDB, and rejects.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { type Document, MongoClient } from "mongodb";
import { createLogger } from "../../runtime/logger.ts";
import { findMongoServer, NO_MONGODB } from "../../test/support/mongod.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { createClient } from "./client.ts";
import { deploymentVerdict, type Hello, storageDangers } from "./deployment.ts";
import { indexDangers } from "./indexes.ts";
import { openMongoStore } from "./open.ts";

describe("the MongoDB URI", () => {
  const SECRET = "hunter2";
  const WEAKER: readonly [option: string, says: RegExp][] = [
    ["w=1", /w is 1: .*; take w out of STORE_URL/],
    ["w=0", /w is 0/],
    ["w=3", /w is 3/],
    ["w=nearby", /w is nearby/],
    ["journal=false", /journal is false: .*; take journal out of STORE_URL/],
    ["w=1&journal=false", /2 dangerous settings\n {2}w is 1.*\n {2}journal is false/],
    ["readConcernLevel=local", /readConcernLevel is local/],
    ["readConcernLevel=available", /readConcernLevel is available/],
    ["readPreference=secondaryPreferred", /readPreference is secondaryPreferred/],
  ];
  for (const [option, says] of WEAKER)
    it(`that says ${option} is rejected, without its password`, () => {
      assert.throws(
        () => createClient(`mongodb://who:${SECRET}@h/db?${option}`, {}),
        (error) => {
          assert.ok(error instanceof UnsafeSettingError);
          assert.match(error.message, says);
          assert.doesNotMatch(`${error.message}${error.stack}`, new RegExp(SECRET));
          return true;
        },
      );
    });

  const NO_WEAKER = [
    "",
    "w=majority",
    "journal=true&w=majority",
    "readPreference=primary",
    "retryWrites=false&wtimeoutMS=1&socketTimeoutMS=0",
  ];
  for (const option of NO_WEAKER)
    it(`that says ${option || "nothing"} leaves writes to a majority's disks, reads of the majority, and bounded waits`, () => {
      const client = createClient(`mongodb://h/db?${option}`, {});
      const { writeConcern, readConcern, readPreference } = client.db("db").collection("notifications");
      assert.deepEqual([writeConcern?.w, writeConcern?.journal, writeConcern?.wtimeoutMS], ["majority", true, 8_000]);
      assert.deepEqual([readConcern?.level, readPreference?.mode], ["majority", "primary"]);
      const { retryWrites, socketTimeoutMS, waitQueueTimeoutMS } = client.options;
      assert.deepEqual([retryWrites, socketTimeoutMS, waitQueueTimeoutMS], [true, 10_000, 5_000]);
    });
});

describe("the MongoDB deployment, by its answer to hello", () => {
  const primary: Hello = { maxWireVersion: 21, isWritablePrimary: true, readOnly: false };
  const three: Hello = { ...primary, setName: "rs", hosts: ["a:1", "b:1", "c:1"] };
  const CASES: readonly [what: string, hello: Hello, dangers: string[], warning?: RegExp][] = [
    ["three members with data", three, []],
    ["MongoDB 8", { ...three, maxWireVersion: 25 }, []],
    ["two, and one that may never lead", { ...three, hosts: ["a:1", "b:1"], passives: ["c:1"] }, []],
    ["mongos", { ...primary, msg: "isdbgrid" }, []],
    ["standalone", primary, [], /outside any replica set.*only copy/],
    ["an arbiter", { ...three, hosts: ["a:1", "b:1"], arbiters: ["c:1"] }, [], /1 arbiter/],
    ["an arbiter beside three", { ...three, arbiters: ["d:1"] }, [], /1 arbiter/],
    ["two members", { ...three, hosts: ["a:1", "b:1"] }, [], /2 member\(s\) with data, fewer than 3/],
    ["MongoDB 6", { ...three, maxWireVersion: 17 }, ["wire version"]],
    ["no version", { ...three, maxWireVersion: undefined as unknown as number }, ["wire version"]],
    ["a secondary", { ...three, isWritablePrimary: false, primary: "b:1" }, ["isWritablePrimary"]],
    ["read-only", { ...three, readOnly: true }, ["isWritablePrimary"]],
  ];
  it("standalone, where it is not allowed: one sentence with both ways out", () => {
    for (const hello of [primary, { ...primary, hosts: [] }]) {
      const { dangers } = deploymentVerdict(hello, "rejected");
      assert.deepEqual(
        dangers.map(({ setting }) => setting),
        ["replica set"],
      );
      assert.match(dangers[0]?.fix ?? "", /rs\.initiate\(\).*STORE_ALLOW_STANDALONE=true/);
    }
    for (const hello of [three, { ...three, hosts: ["a:1"] }, { ...primary, msg: "isdbgrid" }])
      assert.deepEqual(deploymentVerdict(hello, "rejected").dangers, []);
  });

  for (const [what, hello, dangers, warning] of CASES)
    it(what, () => {
      const verdict = deploymentVerdict(hello);
      assert.deepEqual(
        verdict.dangers.map((d) => d.setting),
        dangers,
      );
      assert.equal(verdict.warnings.length, warning ? 1 : 0);
      if (warning) assert.match(verdict.warnings[0]!, warning);
    });

  it("names the primary to a process that was sent to a secondary", () => {
    const [danger] = deploymentVerdict({ ...three, isWritablePrimary: false, primary: "b:1" }).dangers;
    assert.match(danger?.fix ?? "", /directConnection.*b:1/);
  });

  it("a store in memory is rejected; an engine that the server does not report is not checked", () => {
    assert.equal(storageDangers({ name: "wiredTiger", persistent: true }).length, 0);
    assert.equal(storageDangers({ name: "wiredTiger" }).length, 0);
    assert.equal(storageDangers(undefined).length, 0);
    assert.match(storageDangers({ name: "inMemory", persistent: false })[0]?.value ?? "", /inMemory/);
  });
});

describe("indexes, as a server lists them", () => {
  const wanted = [{ name: "failures", key: { failedAt: 1, _id: 1 } as const, partialFilterExpression: { failedAt: { $exists: true } } }];
  const id = { v: 2, key: { _id: 1 }, name: "_id_" };
  const failures = { v: 2, ...wanted[0] };
  const CASES: readonly [what: string, found: Document[], says: RegExp | undefined][] = [
    ["as wanted", [id, failures], undefined],
    ["with what is off, and how it is stored", [id, { ...failures, unique: false, storageEngine: { x: 1 } }], undefined],
    ["others of the operator's", [id, failures, { v: 2, key: { app: 1 }, name: "mine" }], undefined],
    ["missing", [id], /failures of c is missing|missing/],
    ["another order of fields", [id, { ...failures, key: { _id: 1, failedAt: 1 } }], /dropIndex\("failures"\)/],
    ["unique", [id, { ...failures, unique: true }], /dropIndex\("failures"\)/],
    ["hidden from the planner", [id, { ...failures, hidden: true }], /dropIndex\("failures"\)/],
    ["deleting what is old", [id, { ...failures, expireAfterSeconds: 60 }], /dropIndex\("failures"\)/],
    ["of everything", [id, { v: 2, key: { failedAt: 1, _id: 1 }, name: "failures" }], /dropIndex\("failures"\)/],
    ["under another name", [id, { ...failures, name: "failedAt_1__id_1" }], /there as failedAt_1__id_1.*dropIndex\("failedAt_1__id_1"\)/],
    [
      "a unique one of the operator's",
      [id, failures, { v: 2, key: { app: 1 }, name: "mine", unique: true }],
      /repeated insert.*dropIndex\("mine"\)/,
    ],
  ];
  for (const [what, found, says] of CASES)
    it(what, () => {
      const reports = indexDangers("c", wanted, found).map((d) => [d.setting, d.value, d.why, d.fix].join(" "));
      assert.equal(reports.length, says ? 1 : 0, reports.join("\n"));
      if (says) assert.match(reports[0]!, says);
    });
});

const server = await findMongoServer();

if (!server) {
  it("MongoDB start-up", {
    skip: NO_MONGODB,
  });
} else {
  const { uri } = server;
  const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  after(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  const database = () => {
    const db = client.db(`carillon-test-${randomBytes(6).toString("hex")}`);
    return Object.assign(db, { [Symbol.asyncDispose]: async () => void (await db.dropDatabase()) });
  };
  /** The index it says to drop, and where. */
  const rejects = async (db: string, says: RegExp): Promise<{ collection: string; index: string }> => {
    const error = await openMongoStore(uri, { database: db }).then(
      () => assert.fail("it was let pass"),
      (e: unknown) => e,
    );
    assert.ok(error instanceof UnsafeSettingError, String(error));
    assert.match(error.message, says);
    assert.match(error.message, new RegExp(`^MongoDB at .*, database ${db}: `));
    const [, collection = "", index = ""] = /db\.getCollection\("(\w+)"\)\.dropIndex\("(\w+)"\)/.exec(error.message) ?? [];
    return { collection, index };
  };

  describe("MongoDB start-up", () => {
    const IN_THE_WAY: readonly [what: string, put: (db: ReturnType<typeof database>) => Promise<unknown>, says: RegExp][] = [
      [
        "an index of our name over something else",
        (db) => db.collection("notifications").createIndex({ due: -1 }, { name: "due" }),
        /index due of notifications is .*"due":-1.*db\.getCollection\("notifications"\)\.dropIndex\("due"\)/,
      ],
      [
        "an index of our name over everything instead of a part",
        (db) => db.collection("notifications").createIndex({ due: 1 }, { name: "due" }),
        /index due of notifications/,
      ],
      [
        "our index, but unique",
        (db) => db.collection("contacts").createIndex({ app: 1, userId: 1 }, { name: "user", unique: true }),
        /index user of contacts is .*"unique":true.*dropIndex\("user"\)/,
      ],
      [
        "a unique index of the operator's, where an existing key means a repetition",
        (db) => db.collection("attempts").createIndex({ worker: 1 }, { name: "theirs", unique: true }),
        /index theirs of attempts .*mistaken for a repeated insert.*dropIndex\("theirs"\)/,
      ],
    ];
    for (const [what, put, says] of IN_THE_WAY)
      it(`${what} is rejected by name, and after the fix it starts`, async () => {
        await using db = database();
        await put(db);
        const { collection, index } = await rejects(db.databaseName, says);
        await db.collection(collection).dropIndex(index);
        await (await openMongoStore(uri, { database: db.databaseName }))[Symbol.asyncDispose]();
      });

    it("an opening makes the indexes, and one after it leaves them", async () => {
      await using db = database();
      for (let times = 0; times < 2; times++) await (await openMongoStore(uri, { database: db.databaseName }))[Symbol.asyncDispose]();
      const names = (await db.collection("notifications").indexes()).map((index) => index.name);
      const recipients = ["address", "phoneNumber", "pushUrl", "token", "userId"].map((field) => `to-${field}`);
      const references = ["blobIds", "email", "push", "sms"].map((part) => `refers-${part}`);
      const others = ["_id_", "accepted", "app-due", "cancel-key", "due", "failures", "later-due", "outbox-key", "retention", "tags"];
      assert.deepEqual(names.sort(), [...others, ...recipients, ...references].sort());
    });

    it("an opening logs once what it could not check, and what may be intended", async () => {
      await using db = database();
      const lines: string[] = [];
      const log = createLogger("test", "debug", { write: (line) => void lines.push(line) });
      await (await openMongoStore(uri, { database: db.databaseName, log }))[Symbol.asyncDispose]();
      const hello = (await client.db("admin").command({ hello: 1 })) as Hello;
      const warned = lines.filter((line) => line.includes('"level":"warn"'));
      assert.equal(warned.length, deploymentVerdict(hello).warnings.length, lines.join(""));
      const status = await client
        .db("admin")
        .command({ serverStatus: 1 })
        .catch(() => ({}) as Document);
      assert.equal(
        lines.filter((line) => /"level":"debug".*storage engine is not checked/.test(line)).length,
        status.storageEngine ? 0 : 1,
      );
    });

    it("a URI that asks for less is rejected before anything is written", async () => {
      await using db = database();
      const weaker = `${uri}${uri.includes("?") ? "&" : uri.endsWith("/") ? "?" : "/?"}journal=false`;
      await assert.rejects(openMongoStore(weaker, { database: db.databaseName }), UnsafeSettingError);
      assert.deepEqual(await db.listCollections().toArray(), []);
    });
  });
}

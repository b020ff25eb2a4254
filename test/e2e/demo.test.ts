import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MongoClient } from "mongodb";
import { openStore } from "../../adapters/store/open-store.ts";
import { findMongoServer, NO_MONGODB } from "../support/mongod.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { type Ended, runCli } from "./cli-process.ts";

function assertHolds({ code, stdout, stderr }: Ended): void {
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /189 lines: 184 accepted, 1 with a repeated key \(same answer\), 4 rejected by the gateway/);
  assert.match(stdout, /328 deliveries accepted = 328 ended \+ 0 open\. Every promise holds/);
  assert.equal(stdout.match(/^ {2}holds {3}/gm)?.length, 9, stdout);
}

test("the demo holds every promise on the embedded store", async () => {
  assertHolds(await runCli(["demo"]));
});

test("the demo rejects a store that is in use", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-used-"));
  try {
    const storeUrl = `sqlite:${join(directory, "used.sqlite")}`;
    {
      await using store = await openStore(storeUrl);
      await store.notifications.insert([sampleNotification("used", Date.now())]);
    }
    const { code, stdout, stderr } = await runCli(["demo"], { STORE_URL: storeUrl });
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /^carillon: the store at STORE_URL is not empty.*\n$/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the demo holds every promise on MongoDB", async (t) => {
  await using server = await findMongoServer();
  if (!server) return t.skip(NO_MONGODB);
  const url = new URL(server.uri);
  url.pathname = `/carillon-demo-${randomBytes(6).toString("hex")}`;
  try {
    assertHolds(await runCli(["demo"], { STORE_URL: url.href }));
  } finally {
    const client = await new MongoClient(url.href, { serverSelectionTimeoutMS: 5_000 }).connect();
    await client.db().dropDatabase();
    await client.close();
  }
});

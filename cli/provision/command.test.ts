import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { MongoClient } from "mongodb";
import { shapeChanges } from "../../adapters/schema-snapshot.ts";
import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { runCli } from "../../test/e2e/cli-process.ts";
import { addStream } from "../../test/support/add-stream.ts";
import { findMongoServer, NO_MONGODB, withDatabase } from "../../test/support/mongod.ts";
import { startNats } from "../../test/support/servers.ts";
import type { LocalServer } from "../dev/local-servers.ts";

let nats: LocalServer;
let directory: string;
before(async () => {
  nats = await startNats();
  directory = mkdtempSync(join(tmpdir(), "carillon-provision-"));
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function provision(env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli(["provision"], {
    ...{ NATS_URL: nats.url, STORE_URL: `sqlite:${join(directory, "store.sqlite")}` },
    ...env,
  });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { code, stderr, lines, count: (kind: string) => lines.filter((line) => line.startsWith(kind.padEnd(10))).length };
}

/** Streams and their consumers, one for each class. */
const IN_NATS = CHANNELS.length * (1 + CLASSES.length);

test("makes streams, consumers and tables, finds them unchanged, and sets right what differs", async () => {
  const first = await provision();
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.count("created"), first.lines.length);
  for (const line of ["schema", "table notifications", "index failures", "stream CARILLON_SMS", "consumer sms-critical of CARILLON_SMS"])
    assert.ok(first.lines.includes(`created   ${line}`), `${line} in\n${first.lines.join("\n")}`);

  const second = await provision();
  assert.deepEqual([second.code, second.count("unchanged")], [0, first.lines.length]);

  const third = await provision({ NATS_ACK_WAIT_MS: "45000", NATS_STREAM_BYTES_MAX: "5000000" });
  assert.equal(third.code, 0, third.stderr);
  assert.equal(third.count("changed"), IN_NATS);
  assert.ok(third.lines.includes("changed   stream CARILLON_FCM: max_bytes 4294967296 → 5000000"), third.lines.join("\n"));
  assert.ok(third.lines.includes("changed   consumer fcm-critical of CARILLON_FCM: ack_wait 60000 ms → 45000 ms"));
});

test("rejects a stream that would lose tasks, leaves it as it is, and still does the store", async () => {
  const connection = await connect({ servers: nats.url });
  try {
    const jsm = await jetstreamManager(connection);
    await jsm.streams.delete(streamName("email")).catch(() => undefined);
    await addStream(jsm, { name: streamName("email"), subjects: ["carillon.email.*"], retention: "limits" });
    const rejected = await provision({ STORE_URL: `sqlite:${join(directory, "other.sqlite")}` });
    assert.equal(rejected.code, 1);
    assert.match(rejected.stderr, /stream CARILLON_EMAIL, retention/);
    assert.ok(rejected.lines.includes("created   table notifications"));
    assert.equal((await jsm.streams.info(streamName("email"))).config.retention, "limits");
  } finally {
    await connection.close();
  }
});

test("reports what to do for each unavailable server, and never a password", async () => {
  const away = await provision({ NATS_URL: "nats://127.0.0.1:9", STORE_URL: "mongodb://ada:pa55word@127.0.0.1:9/c" });
  assert.deepEqual([away.code, away.lines], [1, []]);
  assert.match(away.stderr, /cannot use MongoDB at 127\.0\.0\.1:9[\s\S]*NATS cannot be reached at 127\.0\.0\.1:9/);
  assert.doesNotMatch(away.stderr, /pa55word/);
});

test("on MongoDB it makes every index, and finds it again", async (t) => {
  await using server = await findMongoServer();
  if (!server) return t.skip(NO_MONGODB);
  const url = withDatabase(server.uri, `provision_${process.pid}`);
  await using client = new MongoClient(url);
  const env = { STORE_URL: url, NATS_STREAM_BYTES_MAX: "5000000" };
  try {
    const first = await provision(env);
    const again = await provision(env);
    for (const what of ["collection notifications", "index due of notifications"]) {
      assert.ok(first.lines.includes(`created   ${what}`), first.lines.join("\n"));
      assert.ok(again.lines.includes(`unchanged ${what}`), again.lines.join("\n"));
    }
  } finally {
    await client.db().dropDatabase();
  }
});

test("a setting that is new or gone is shown as such", () => {
  const before = new Map([["a", { x: "1", y: "2" }]]);
  const now = new Map([["a", { x: "1", z: "3" }]]);
  const settings = [
    { setting: "y", from: "2", to: "not set" },
    { setting: "z", from: "not set", to: "3" },
  ];
  assert.deepEqual(shapeChanges(before, now), [{ kind: "changed", name: "a", settings }]);
});

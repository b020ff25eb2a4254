import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis, type RedisConnection } from "./connect.ts";
import { createOptOutSets, type OptOutSets } from "./opt-out-sets.ts";

const BUCKETS = 16;
const MARK = "-4611686018427387904";
const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
const mail: OptOut = { channel: "email", category: "news" };
const text: OptOut = { channel: "sms", category: "news" };

let server: Awaited<ReturnType<typeof startRedis>>;
let redis: RedisConnection;
let sets: OptOutSets;
before(async () => {
  server = await startRedis();
  redis = await connectRedis(server.url, { log: createLogger("test", "silent") });
  sets = createOptOutSets(redis, BUCKETS);
});
after(async () => {
  await redis[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => redis.flushall());

const record = (version: number, optOuts: OptOut[], subject = "user:ada") => ({ app: "shop", subject, version, optOuts, updatedAt: 0 });
const apply = (version: number, optOuts: OptOut[], withdrawn: OptOut[] = []) =>
  sets.apply([{ record: record(version, optOuts), withdrawn }]);
const read = async (channel: "email" | "sms", category = "news", subject = "user:ada") =>
  (await sets.read([{ app: "shop", subject, channel, category }]))[0];
const sealAll = async () => {
  await sets.markBuckets(all, MARK);
  await sets.seal(all, MARK);
};

test("a bucket that was never filled is unknown, not empty", async () => {
  assert.equal(await read("email"), "unknown");
  await apply(1, [mail]);
  assert.equal(await read("email"), "unknown", "the rest of its members is unknown");
  await sealAll();
  assert.equal(await read("email"), "some");
  assert.equal(await read("sms"), "none");
});

test("an opt-out forbids what it names, and a star forbids everything", async () => {
  await sealAll();
  for (const [optOut, email, sms, other] of [
    [{ channel: "email", category: "news" }, "some", "none", "none"],
    [{ channel: "email", category: "*" }, "some", "none", "some"],
    [{ channel: "*", category: "news" }, "some", "some", "none"],
    [{ channel: "*", category: "*" }, "some", "some", "some"],
  ] as const) {
    const subject = `user:${optOut.channel}:${optOut.category}`;
    await sets.apply([{ record: record(1, [optOut], subject), withdrawn: [] }]);
    assert.equal(await read("email", "news", subject), email);
    assert.equal(await read("sms", "news", subject), sms);
    assert.equal(await read("email", "receipts", subject), other);
  }
  assert.equal(await read("email", "news", "user:bob"), "none");
});

test("the newest change wins, in whatever order they arrive", async () => {
  await sealAll();
  await apply(3, [mail]);
  await apply(2, [], [mail]);
  assert.equal(await read("email"), "some");
  await apply(5, [], [mail]);
  await apply(4, [mail]);
  assert.equal(await read("email"), "none");
  await apply(5, []);
  await apply(6, [text], [mail]);
  assert.equal(await read("sms"), "some");
});

test("a lost bucket is unknown; the others are not", async () => {
  await sealAll();
  const keys = await redis.keys("carillon:opt-out:{*");
  assert.equal(keys.length, BUCKETS);
  assert.deepEqual(await sets.unsealed(), []);
  await redis.del("carillon:opt-out:{3}");
  assert.deepEqual(await sets.unsealed(), [3]);
  await redis.flushall();
  assert.deepEqual(await sets.unsealed(), all);
  await sealAll();
  await sets.unsealAll();
  assert.deepEqual(await sets.unsealed(), all);
});

test("a bucket lost during a rebuild is not sealed", async () => {
  await sets.markBuckets(all, MARK);
  await sets.fill([record(1, [mail])], new Set(all));
  await redis.del("carillon:opt-out:{5}", "carillon:opt-out:{6}");
  assert.equal(await sets.seal(all, MARK), BUCKETS - 2);
  assert.deepEqual(await sets.unsealed(), [5, 6]);
});

test("only one process rebuilds, and it can renew its lock", async () => {
  assert.equal(await sets.holdRebuild("a", 60_000), true);
  assert.equal(await sets.holdRebuild("b", 60_000), false);
  assert.equal(await sets.holdRebuild("a", 60_000), true);
  await sets.releaseRebuild("b");
  assert.equal(await sets.holdRebuild("b", 60_000), false);
  await sets.releaseRebuild("a");
  assert.equal(await sets.holdRebuild("b", 60_000), true);
});

test("every bucket is an intset", async () => {
  const records = Array.from({ length: 2_000 }, (_, n) => record(1, [mail, text], `user:${n}`));
  await sets.markBuckets(all, MARK);
  assert.equal(await sets.fill(records, new Set(all)), 4_000);
  await sets.seal(all, MARK);
  for (const bucket of all) assert.equal(await redis.object("ENCODING", `carillon:opt-out:{${bucket}}`), "intset");
});

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { createLogger } from "../../runtime/logger.ts";
import { copyRedis } from "../../test/support/redis-copy.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis, type RedisConnection } from "../redis/connect.ts";
import { createOptOutSets, type OptOutSets, OtherServerError } from "./opt-out-sets.ts";
import { ChainBrokenError, newChain } from "./write-chain.ts";

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

const record = (version: number, optOuts: OptOut[], subject = "user:ada") => ({
  ...{ app: "shop", subject, version, optOuts, consents: [], blocks: [] },
  updatedAt: 0,
});
const apply = (version: number, optOuts: OptOut[], withdrawn: OptOut[] = []) =>
  sets.apply([{ record: record(version, optOuts), withdrawn }]);
const read = async (channel: "email" | "sms", category = "news", subject = "user:ada") =>
  (await sets.read([{ app: "shop", subject, channel, category }]))[0];
const sealAll = async () => {
  const chain = newChain("test");
  await sets.markBuckets(all, MARK, chain);
  await sets.seal(all, MARK, chain);
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
  const chain = newChain("test");
  assert.equal(await sets.beginSweep(chain), undefined);
  await sets.unsealAll(chain);
  assert.deepEqual(await sets.unsealed(), all);
});

test("a bucket lost during a rebuild is not sealed", async () => {
  const chain = newChain("test");
  await sets.markBuckets(all, MARK, chain);
  await sets.fill([record(1, [mail])], new Set(all), chain);
  await redis.del("carillon:opt-out:{5}", "carillon:opt-out:{6}");
  assert.equal(await sets.seal(all, MARK, chain), BUCKETS - 2);
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
  const chain = newChain("test");
  await sets.markBuckets(all, MARK, chain);
  assert.equal(await sets.fill(records, new Set(all), chain), 4_000);
  await sets.seal(all, MARK, chain);
  for (const bucket of all) assert.equal(await redis.object("ENCODING", `carillon:opt-out:{${bucket}}`), "intset");
});

/** Another server that took over with what the first one had, before the writes that follow. */
async function takeOver(): Promise<{ sets: OptOutSets } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const next = stack.use(await startRedis());
  const connection = stack.use(await connectRedis(next.url, { log: createLogger("test", "silent") }));
  await copyRedis(server, next);
  return { sets: createOptOutSets(connection, BUCKETS), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
const isBroken = (error: unknown) => error instanceof ChainBrokenError;

test("a server that took over without some of a rebuild's members seals nothing", async () => {
  const chain = newChain("test");
  await sets.markBuckets(all, MARK, chain);
  await sets.fill([record(1, [mail], "user:early")], new Set(all), chain);
  await using next = await takeOver();
  await sets.fill([record(1, [mail])], new Set(all), chain);
  await assert.rejects(next.sets.fill([record(1, [mail], "user:late")], new Set(all), { ...chain }), isBroken);
  await assert.rejects(next.sets.seal(all, MARK, chain), isBroken);
  assert.deepEqual(await next.sets.unsealed(), all);
  assert.equal(await sets.seal(all, MARK, chain), BUCKETS, "on the server that has all, it goes on");
});

test("a server that took over without some of a sweep's changes is not taken for swept", async () => {
  await sealAll();
  const chain = newChain("test");
  await sets.beginSweep(chain);
  await using next = await takeOver();
  await sets.apply([{ record: record(1, [mail]), withdrawn: [] }], chain);
  await assert.rejects(next.sets.apply([{ record: record(1, [mail], "user:bob"), withdrawn: [] }], { ...chain }), isBroken);
  await assert.rejects(next.sets.endSweep({ ...chain }, { at: 7, sweeper: "me", count: 1 }), isBroken);
  await sets.endSweep(chain, { at: 7, sweeper: "me", count: 1 });
  assert.equal(await sets.beginSweep(newChain("test")), 7);
});

test("a read is believed only from a server that has the sweep", async () => {
  await sealAll();
  const probes = [{ app: "shop", subject: "user:ada", channel: "email" as const, category: "news" }];
  const isOther = (error: unknown) => error instanceof OtherServerError;
  await assert.rejects(sets.read(probes, { sweeper: "me", count: 1 }), isOther);
  const chain = newChain("test");
  await sets.beginSweep(chain);
  await sets.endSweep(chain, { at: 7, sweeper: "me", count: 2 });
  assert.deepEqual(await sets.read(probes, { sweeper: "me", count: 1 }), ["none"], "a later sweep contains the earlier");
  assert.deepEqual(await sets.read(probes, { sweeper: "me", count: 2 }), ["none"]);
  await assert.rejects(sets.read(probes, { sweeper: "me", count: 3 }), isOther);
  await assert.rejects(sets.read(probes, { sweeper: "you", count: 2 }), isOther);
  await assert.rejects(sets.confirmSweep({ sweeper: "me", count: 3 }), isOther);
});

test("a Redis user that may use no other keys than ours is enough", async () => {
  await redis.acl("SETUSER", "ours", "on", ">se:cr%t/@", "resetkeys", "~carillon:*", "&carillon:*", "+@all");
  const url = new URL(server.url);
  url.username = "ours";
  const limited = await connectRedis(url.href, { log: createLogger("test", "silent"), password: "se:cr%t/@" });
  try {
    const own = createOptOutSets(limited, BUCKETS);
    const chain = newChain("test");
    await own.beginSweep(chain);
    await own.unsealAll(chain);
    await own.endSweep(chain, { at: 7, sweeper: "me", count: 1 });
    await own.markBuckets(all, MARK, chain);
    await own.fill([record(1, [mail])], new Set(all), chain);
    assert.equal(await own.seal(all, MARK, chain), BUCKETS);
    await own.add([{ id: "one", app: "shop", subject: "user:ada", optOuts: [text], consents: [] }]);
    await own.apply([{ record: record(2, [mail, text]), withdrawn: [], confirms: "one" }]);
    assert.equal(await read("sms"), "some");
  } finally {
    await limited[Symbol.asyncDispose]();
  }
});

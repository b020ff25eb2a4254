import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { Store } from "../../core/ports/store.ts";
import { noPreferences, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";
import { createLogger } from "../../runtime/logger.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock, type FakeClock } from "../../test/support/fake-clock.ts";
import { startRedis } from "../../test/support/servers.ts";
import { type WatchedPreferences, watchPreferences } from "../../test/support/watched-preferences.ts";
import { connectRedis, type RedisConnection } from "../redis/connect.ts";
import { openStore } from "../store/open-store.ts";
import { createOptOutSets, type OptOutSets } from "./opt-out-sets.ts";
import { createPreferences, type Preferences } from "./preferences.ts";
import { CACHE_MS } from "./process-cache.ts";
import { createRedisOptOuts, SWEEP_MS, TRUST_MS, WITHDRAWN_WITHIN_MS } from "./redis-opt-outs.ts";

const APP = "shop";
const BUCKETS = 32;
const log = createLogger("test", "silent");
const news: OptOut = { channel: "email", category: "news" };
const ada = userSubject("ada");
const question = (userId: string): OptOutQuestion => ({
  ...{ app: APP, userId, endpoint: undefined, channel: "email", category: "news", notificationClass: "transactional" },
});
const ask = async (p: Preferences, userId = "ada") => (await p.check([question(userId)]))[0];

let stack: AsyncDisposableStack;
let server: Awaited<ReturnType<typeof startRedis>>;
let redis: RedisConnection;
let sets: OptOutSets;
let store: Store;
let watched: WatchedPreferences;
let clock: FakeClock;
let p: Preferences;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  server = stack.use(await startRedis("always"));
  redis = stack.use(await connectRedis(server.url, { log }));
  sets = createOptOutSets(redis, BUCKETS);
  store = stack.use(await openStore("sqlite::memory:"));
  watched = watchPreferences(store.preferences);
  clock = createFakeClock();
  p = stack.use(
    createPreferences({ store: watched.store, apps: store.apps, profiles: store.profiles, redis, clock, log, buckets: BUCKETS }),
  );
  await redisAnswers();
});
afterEach(() => stack.disposeAsync());

let strangers = 0;
async function storeWasAsked(): Promise<boolean> {
  const users = Array.from({ length: 4 * BUCKETS }, () => `stranger-${strangers++}`);
  watched.found = [];
  await p.check(users.map(question));
  return watched.found.length > 0;
}
const redisAnswers = () => eventually("Redis answers for all users", async () => !(await storeWasAsked()));
const inRedis = async (userId = "ada") =>
  (await sets.read([{ app: APP, subject: userSubject(userId), channel: "email", category: "news" }]))[0];
/** As if the process had ended between the write to the store and the one to Redis. */
const optOutInStoreOnly = () => store.preferences.update(APP, ada, changing([news]), clock.now());

test("an opt-out that only reached the store is written to Redis by the next sweep", async () => {
  await optOutInStoreOnly();
  assert.equal(await inRedis(), "none");
  clock.advance(SWEEP_MS);
  await eventually("it is in Redis", async () => (await inRedis()) === "some");
  assert.equal(await ask(p), "opted-out");
});

test("an opt-out that only reached the store is honoured within the published bound, even without sweeps", async () => {
  assert.equal(await ask(p), "allowed");
  watched.heldChanges = new Promise(() => {});
  // The longest case: Redis is read just before it stops being trusted, and then the cache.
  await optOutInStoreOnly();
  clock.advance(TRUST_MS - 1);
  assert.equal(await ask(p), "allowed", "still trusted, or the test proves nothing");
  clock.advance(CACHE_MS + 1);
  assert.equal(await ask(p), "opted-out");
  assert.ok(TRUST_MS + CACHE_MS < OPT_OUT_BOUND_MS);
});

test("a process that cannot sweep does not trust Redis until it can again", async () => {
  watched.away = true;
  clock.advance(TRUST_MS);
  await turn();
  assert.equal(await ask(p), "unknown");
  watched.away = false;
  clock.advance(SWEEP_MS);
  await redisAnswers();
});

test("a lost set is detected at once and filled again", async () => {
  await p.update(APP, ada, changing([news]));
  clock.advance(CACHE_MS + 1);
  const keys = await redis.keys("carillon:opt-out:{*");
  await redis.del(...keys);
  assert.equal(await ask(p), "opted-out");
  clock.advance(SWEEP_MS);
  await redisAnswers();
  assert.equal(await inRedis(), "some");
});

test("FLUSHALL costs reads of the store but loses no opt-out", async () => {
  await p.update(APP, ada, changing([news]));
  clock.advance(CACHE_MS + 1);
  await redis.flushall();
  assert.equal(await ask(p), "opted-out");
  assert.equal(await storeWasAsked(), true);
  clock.advance(SWEEP_MS);
  await redisAnswers();
  assert.equal(await inRedis(), "some");
});

test("without the time of the last sweep every set counts as outdated", async () => {
  await optOutInStoreOnly();
  // Longer than a sweep looks back.
  await redis.del("carillon:opt-out:swept");
  watched.heldChanges = new Promise(() => {});
  clock.advance(60_000);
  await eventually("the sets are unsealed", async () => (await sets.unsealed()).length === BUCKETS);
  assert.equal(await ask(p), "opted-out");
});

test("a Redis that restarts with old data is not trusted before it has caught up", async () => {
  await server.kill();
  await eventually("the disconnect is detected", () => redis.status !== "ready");
  const answer = await p.update(APP, ada, changing([news]));
  assert.deepEqual(answer?.optOuts, [news], "an update needs no Redis");
  assert.equal(await ask(p), "opted-out");
  // Unavailable for longer than a sweep looks back.
  clock.advance(60_000);
  let release = () => {};
  watched.heldChanges = new Promise((resolve) => {
    release = resolve;
  });
  await server.restart();
  await eventually("it is back", () => redis.status === "ready");
  assert.equal(await inRedis(), "none", "it has the old data, or the test proves nothing");
  assert.equal(await ask(p), "opted-out");
  assert.equal(await storeWasAsked(), true);
  release();
  await eventually("it has caught up", async () => (await inRedis()) === "some");
  await redisAnswers();
});

test("a hung Redis is skipped after the first timeout", async () => {
  await optOutInStoreOnly();
  assert.ok(server.pid);
  process.kill(server.pid, "SIGSTOP");
  try {
    assert.equal(await ask(p), "opted-out");
    watched.found = [];
    assert.equal(await ask(p, "bob"), "allowed");
    assert.deepEqual(watched.found, ["user:bob"]);
    const record = await p.update(APP, userSubject("bob"), changing([news]));
    assert.equal(record?.version, 1);
    assert.equal(await ask(p, "bob"), "opted-out");
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  clock.advance(SWEEP_MS);
  await eventually("it is updated when it is back", async () => (await inRedis().catch(() => "none")) === "some");
  await eventually("with both changes", async () => (await inRedis("bob").catch(() => "none")) === "some");
});

test("a second process uses the sets that the first filled", async () => {
  await p.update(APP, ada, changing([news]));
  let filled = 0;
  const counting = {
    ...watched.store,
    changedSince: (updatedAt: number) => {
      if (updatedAt === 0) filled++;
      return watched.store.changedSince(updatedAt);
    },
  };
  await using second = createPreferences({
    store: counting,
    apps: store.apps,
    profiles: store.profiles,
    redis,
    clock,
    log,
    buckets: BUCKETS,
  });
  await eventually("it trusts Redis", async () => {
    watched.found = [];
    await second.check([question(`stranger-${strangers++}`)]);
    return watched.found.length === 0;
  });
  assert.equal(await ask(second), "opted-out");
  assert.equal(filled, 0);
});

test("a new process sweeps from Redis's last sweep, however long ago it was", async () => {
  await p[Symbol.asyncDispose]();
  await optOutInStoreOnly();
  clock.advance(3_600_000);
  await using next = createPreferences({
    store: watched.store,
    apps: store.apps,
    profiles: store.profiles,
    redis,
    clock,
    log,
    buckets: BUCKETS,
  });
  await eventually("it is in Redis", async () => (await inRedis()) === "some");
  assert.equal(await ask(next), "opted-out");
});

test("a restart between two checks is detected", async () => {
  await server.kill();
  await eventually("the disconnect is detected", () => redis.status !== "ready");
  await optOutInStoreOnly();
  let release = () => {};
  watched.heldChanges = new Promise((resolve) => {
    release = resolve;
  });
  await server.restart();
  await eventually("it is back", () => redis.status === "ready");
  assert.equal(await inRedis(), "none");
  assert.equal(await ask(p), "opted-out");
  release();
  await redisAnswers();
});

test("an answer of Redis that arrives after the sets are trusted no more is none", async () => {
  await using own = createRedisOptOuts({ store: watched.store, redis, clock, log, buckets: BUCKETS });
  await eventually("its first sweep has ended", () => own.trusted);
  const probe = [{ app: APP, subject: ada, channel: "email", category: "news" }] as const;
  assert.deepEqual(await own.read(probe), ["none"]);
  watched.heldChanges = new Promise(() => {});
  const asked = own.read(probe);
  clock.advance(TRUST_MS);
  assert.deepEqual(await asked, ["unknown"], "as where the process was paused");
});

test("a process that was paused for long with a stored opt-in does not take a newer opt-out out of Redis", async () => {
  watched.heldChanges = new Promise(() => {});
  const optOuts = stack.use(createRedisOptOuts({ store: watched.store, redis, clock, log, buckets: BUCKETS }));
  const record = { ...noPreferences(APP, ada), updatedAt: clock.now() };
  for (const [pausedMs, left] of [
    [WITHDRAWN_WITHIN_MS, "none"],
    [WITHDRAWN_WITHIN_MS + 1, "some"],
  ] as const) {
    const begun = await optOuts.begin(APP, ada, { optOuts: [], consents: [] });
    await sets.apply([{ record: { ...record, version: 2, optOuts: [news] }, withdrawn: [] }]);
    clock.advance(pausedMs);
    // As if they had expired.
    await redis.del(await redis.keys("carillon:optver:*"));
    await begun.stored({ ...record, version: 1, optOuts: [] }, [news]);
    assert.equal(await inRedis(), left, `paused for ${pausedMs} ms`);
  }
});

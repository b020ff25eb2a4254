import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { Store } from "../../core/ports/store.ts";
import { type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";
import { createLogger } from "../../runtime/logger.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock, type FakeClock } from "../../test/support/fake-clock.ts";
import { copyRedis } from "../../test/support/redis-copy.ts";
import { startRedis } from "../../test/support/servers.ts";
import { type SwitchedConnection, startTcpSwitch, type TcpSwitch } from "../../test/support/tcp-switch.ts";
import { type WatchedPreferences, watchPreferences } from "../../test/support/watched-preferences.ts";
import { connectRedis, type RedisConnection } from "../redis/connect.ts";
import { openStore } from "../store/open-store.ts";
import { createPreferences, type Preferences } from "./preferences.ts";
import { CACHE_MS } from "./process-cache.ts";
import { SWEEP_MS, TRUST_MS } from "./redis-opt-outs.ts";

const APP = "shop";
const BUCKETS = 32;
const log = createLogger("test", "silent");
const news: OptOut = { channel: "email", category: "news" };
const question = (userId: string): OptOutQuestion => ({
  ...{ app: APP, userId, endpoint: undefined, channel: "email", category: "news", notificationClass: "transactional" },
});
const ask = async (p: Preferences, userId: string) => (await p.check([question(userId)]))[0];

let stack: AsyncDisposableStack;
let old: Awaited<ReturnType<typeof startRedis>>;
let next: typeof old;
let between: TcpSwitch;
let redis: RedisConnection;
let store: Store;
let watched: WatchedPreferences;
let clock: FakeClock;
let p: Preferences;
/** The process's connection for checks; the other two sweep and subscribe. */
let reading: SwitchedConnection;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  old = stack.use(await startRedis());
  next = stack.use(await startRedis());
  between = stack.use(await startTcpSwitch(old.port));
  redis = stack.use(await connectRedis(`redis://127.0.0.1:${between.port}`, { log }));
  [reading] = between.connections() as [SwitchedConnection];
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
const redisAnswers = () =>
  eventually("Redis answers for all users", async () => {
    const users = Array.from({ length: 4 * BUCKETS }, () => `stranger-${strangers++}`);
    watched.found = [];
    await p.check(users.map(question));
    return watched.found.length === 0;
  });
/** Another process, which reaches the new server and is not heard by this one. */
async function optOutElsewhere(userId: string): Promise<void> {
  const elsewhere = await connectRedis(next.url, { log });
  try {
    await using other = createPreferences({
      store: store.preferences,
      apps: store.apps,
      profiles: store.profiles,
      redis: elsewhere,
      clock,
      log,
      buckets: BUCKETS,
    });
    await other.update(APP, userSubject(userId), changing([news]));
  } finally {
    await elsewhere[Symbol.asyncDispose]();
  }
}
const others = () => between.connections().filter((c) => c !== reading);

test("a failover that moves the sweeping connection alone, and closes none, delays no opt-out beyond the bound", async () => {
  assert.equal(await ask(p, "ada"), "allowed");
  between.target = next.port;
  for (const connection of others()) await connection.moveTo(next.port);
  await optOutElsewhere("ada");
  assert.ok(TRUST_MS + CACHE_MS < OPT_OUT_BOUND_MS);
  // The old server still answers "none" for as long as it is trusted: until the sweep that is not found there.
  for (let at = 0; at <= TRUST_MS + CACHE_MS; at += SWEEP_MS / 2) clock.advance(SWEEP_MS / 2);
  await eventually("both connections are made anew", () => between.connections().every((c) => c.port === next.port));
  assert.equal(await ask(p, "ada"), "opted-out");
  await redisAnswers();
  assert.equal(await ask(p, "ada"), "opted-out");
});

test("a failover that moves the reading connection alone costs reads of the store", async () => {
  await copyRedis(old, next);
  between.target = next.port;
  await reading.moveTo(next.port);
  await optOutElsewhere("bob");
  // Longer than a sweep looks back: the old server's sweeps must not vouch for the new one.
  for (let n = 0; n < 10; n++) clock.advance(SWEEP_MS);
  await eventually("all connections are made anew", () => between.connections().every((c) => c.port === next.port && c !== reading));
  assert.equal(await ask(p, "bob"), "opted-out");
  await redisAnswers();
});

test("the loss of one connection ends the other, too", async () => {
  between.target = next.port;
  const [sweeping] = others();
  const before = between.connections();
  await old.kill();
  assert.ok(sweeping);
  await eventually("all are made anew", () => {
    const now = between.connections();
    return now.length === before.length && now.every((c) => c.port === next.port && !before.includes(c));
  });
  await optOutElsewhere("carl");
  clock.advance(SWEEP_MS);
  await redisAnswers();
  assert.equal(await ask(p, "carl"), "opted-out");
});

test("reads that a proxy spreads over a stale server are not believed", async () => {
  await copyRedis(old, next);
  await store.preferences.update(APP, userSubject("dora"), changing([news]), clock.now());
  clock.advance(SWEEP_MS);
  await eventually("swept", async () => Number(await redis.get("carillon:opt-out:swept")) === clock.now());
  assert.equal(await ask(p, "dora"), "opted-out");
  clock.advance(CACHE_MS + 1);
  // Sealed there, and without her: only the sweep's count tells it apart.
  await reading.moveTo(next.port);
  assert.equal(await ask(p, "dora"), "opted-out");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import type { Token } from "../../core/ports/rate-limiter.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock, type FakeClock } from "../../test/support/fake-clock.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis, type RedisConnection } from "./connect.ts";
import { REDIS_PAUSE_MS } from "./pause.ts";
import { bucketShape, takeTokens } from "./rate-bucket.ts";
import { ASK_AGAIN_MS, createRateLimiter, TOKEN_WAIT_MS } from "./rate-limiter.ts";

const log = createLogger("test", "silent");
/** One in fifty seconds: no second one is added during a test. */
const ONE_IN_50_S = 0.02;
const KEY = "carillon:rate:sms";

function limiter(redis: RedisConnection, clock: FakeClock, ratePerSecond: number | undefined, signal = new AbortController().signal) {
  return createRateLimiter(redis, { channel: "sms", ratePerSecond, signal, clock, random: () => 0.5 });
}

/** Advances the clock until all are settled. */
async function settled(clock: FakeClock, tokens: readonly Promise<Token>[]): Promise<Token["kind"][]> {
  let done: readonly Token[] | undefined;
  void Promise.all(tokens).then((all) => {
    done = all;
  });
  while (!done) {
    await setImmediate();
    clock.advance(5);
  }
  return done.map(({ kind }) => kind);
}

test("two pods share one rate", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  await using other = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const [a, b] = [limiter(redis, clock, ONE_IN_50_S), limiter(other, clock, ONE_IN_50_S)];
  const kinds = await settled(clock, [a.take("critical"), b.take("critical"), a.take("critical"), b.take("critical")]);
  assert.deepEqual(kinds.toSorted(), ["granted", "later", "later", "later"]);
});

test("tokens accumulate by Redis's clock, independent of a pod's clock, and the key expires", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock(0);
  const pod = limiter(redis, clock, ONE_IN_50_S);
  assert.deepEqual(await settled(clock, [pod.take("critical"), pod.take("critical")]), ["granted", "later"]);
  const { fullAfterMs } = bucketShape(ONE_IN_50_S);
  const lifetime = await redis.pttl(KEY);
  assert.ok(lifetime > 0 && lifetime <= fullAfterMs);
  // Moves the bucket 50 s into the past.
  await redis.hset(KEY, "at", Number(await redis.hget(KEY, "at")) - 50_000);
  assert.deepEqual(await settled(clock, [pod.take("critical"), pod.take("critical")]), ["granted", "later"]);
});

test("tasks that wait together ask together, and the highest class is served first", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const pod = limiter(redis, clock, 100);
  const of = (c: NotificationClass, n: number) => Array.from({ length: n }, () => pod.take(c));
  const waiting = { marketing: of("marketing", 40), transactional: of("transactional", 40), critical: of("critical", 5) };
  await Promise.all(waiting.critical);
  assert.equal(/cmdstat_eval:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1], "1");
  await setImmediate();
  const granted = async (tokens: readonly Promise<Token>[]) => {
    const now = await Promise.all(tokens.map((p) => Promise.race([p, setImmediate({ kind: "waits" })])));
    return now.filter(({ kind }) => kind === "granted").length;
  };
  // Of 30: 5, then all but 10, then none of what marketing leaves.
  assert.deepEqual([await granted(waiting.transactional), await granted(waiting.marketing)], [15, 0]);
  await settled(clock, [...waiting.marketing, ...waiting.transactional]);
});

test("the script grants the same as takeTokens()", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  for (const [held, ...wanted] of [
    [30, 0, 0, 40],
    [30, 3, 30, 5],
    [12.5, 1, 3, 1],
    [0.4, 1, 1, 1],
    [25, 0, 0, 2],
    [9, 20, 1, 1],
  ] as const) {
    await redis.del(KEY);
    // A moment in the future: no tokens accumulate before the request.
    await redis.hset(KEY, "tokens", held, "at", Date.now() + 3_600_000);
    const [critical, transactional, marketing] = wanted;
    const { granted, bucket } = takeTokens({ tokens: held, at: 0 }, bucketShape(100), { critical, transactional, marketing }, 0);
    const stop = new AbortController();
    const clock = createFakeClock();
    const pod = limiter(redis, clock, 100, stop.signal);
    const count = { critical: 0, transactional: 0, marketing: 0 };
    const all = (["marketing", "transactional", "critical"] as const).flatMap((c) =>
      Array.from({ length: { critical, transactional, marketing }[c] }, () =>
        pod.take(c).then(({ kind }) => {
          if (kind === "granted") count[c]++;
        }),
      ),
    );
    await eventually("it was asked", async () => Number(await redis.hget(KEY, "at")) < Date.now() + 1_000);
    stop.abort();
    await Promise.all(all);
    assert.deepEqual(count, granted);
    assert.equal(Number(await redis.hget(KEY, "tokens")).toFixed(3), bucket.tokens.toFixed(3));
  }
});

test("a task without a token is returned after a second, critical with the shortest delay", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const pod = limiter(redis, clock, ONE_IN_50_S);
  await pod.take("critical");
  const waiting = (["critical", "transactional", "marketing"] as const).map((c) => pod.take(c));
  const asked = async () => /cmdstat_eval:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1];
  await eventually("they have asked", async () => (await asked()) === "2");
  clock.advance(TOKEN_WAIT_MS - 1);
  await eventually("they have asked again", async () => (await asked()) === "3");
  assert.equal(await Promise.race([...waiting, setImmediate("waiting")]), "waiting");
  clock.advance(ASK_AGAIN_MS.max);
  const delays = (await Promise.all(waiting)).map((token) => (token.kind === "later" ? token.delayMs : 0));
  assert.deepEqual(delays, [1_000, 3_000, 10_000]);
});

test("a task that waits when the drain begins is returned at once, and so is a later one", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const drain = new AbortController();
  const pod = limiter(redis, createFakeClock(), ONE_IN_50_S, drain.signal);
  await pod.take("critical");
  const waiting = pod.take("transactional");
  await setImmediate();
  drain.abort();
  assert.deepEqual(await waiting, { kind: "later", delayMs: 0 });
  assert.deepEqual(await pod.take("critical"), { kind: "later", delayMs: 0 });
});

test("while Redis is unavailable each pod keeps to the rate by itself, and tries Redis again later", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const clock = createFakeClock();
  const pod = limiter(redis, clock, ONE_IN_50_S);
  await pod.take("critical");
  await server.kill();
  await eventually("the loss is seen", () => redis.status !== "ready");
  assert.deepEqual(await settled(clock, [pod.take("critical"), pod.take("critical")]), ["granted", "later"]);
  await server.restart();
  await eventually("it is back", () => redis.status === "ready");
  clock.advance(REDIS_PAUSE_MS);
  assert.deepEqual(await settled(clock, [pod.take("critical")]), ["granted"]);
  assert.equal(await redis.exists(KEY), 1);
});

test("without a rate no task waits, and Redis is not used", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const pod = limiter(redis, createFakeClock(), undefined);
  const tokens = await Promise.all(Array.from({ length: 1_000 }, () => pod.take("marketing")));
  assert.ok(tokens.every(({ kind }) => kind === "granted"));
  assert.equal(await redis.exists(KEY), 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Redis } from "ioredis";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { startRedis } from "../../test/support/servers.ts";
import { createAppRates } from "./app-rates.ts";
import { connectRedis } from "./connect.ts";
import { REDIS_PAUSE_MS } from "./pause.ts";

const log = createLogger("test", "silent");
/** One in fifty seconds: no second one is added during a test. */
const SLOW = { ratePerSecond: 0.02, burst: 10 };
const deps = (pods = 1) => ({ clock: createFakeClock(), pods: () => pods });
const granted = async (take: Promise<{ granted: number }>) => (await take).granted;

test("gateways share an app's rate, and apps do not share one", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  await using other = await connectRedis(server.url, { log });
  const [a, b] = [createAppRates(redis, deps()), createAppRates(other, deps())];
  assert.equal(await granted(a.take("shop", SLOW, 4)), 4);
  const { granted: rest, waitMs } = await b.take("shop", SLOW, 8);
  assert.equal(rest, 6);
  assert.ok(waitMs > 90_000 && waitMs <= 100_000, `two tokens in 50 s each: ${waitMs}`);
  assert.equal(await granted(a.take("bank", SLOW, 10)), 10);
});

test("tokens return by Redis's clock, never more than the burst", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const rates = createAppRates(redis, deps());
  await rates.take("shop", SLOW, 10);
  const key = "carillon:app-rate:shop";
  const lifetime = await redis.pttl(key);
  assert.ok(lifetime > 0 && lifetime <= 501_000);
  await redis.hset(key, "at", Number(await redis.hget(key, "at")) - 100_000);
  assert.equal(await granted(rates.take("shop", SLOW, 10)), 2);
  await redis.hset(key, "at", Number(await redis.hget(key, "at")) - 1e9);
  assert.equal(await granted(rates.take("shop", SLOW, 100)), 10);
});

test("what turns out to cost more is made up for later, and what was not used is given back", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const rates = createAppRates(redis, deps());
  assert.equal(await granted(rates.take("shop", SLOW, 1)), 1);
  rates.charge("shop", SLOW, 25);
  const { granted: none, waitMs } = await rates.take("shop", SLOW, 1);
  assert.equal(none, 0);
  assert.ok(waitMs > 16 * 50_000, "16 owed, then one more");
  rates.charge("shop", SLOW, -1_000);
  assert.equal(await granted(rates.take("shop", SLOW, 100)), 10);
});

test("calls of one app that arrive together get what each would get by itself", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const rates = createAppRates(redis, deps());
  const asked = [rates.take("shop", SLOW, 7), rates.take("bank", SLOW, 1), rates.take("shop", SLOW, 4), rates.take("shop", SLOW, 2)];
  const [seven, bank, four, two] = await Promise.all(asked);
  assert.deepEqual(
    [seven, bank],
    [
      { granted: 7, waitMs: 0 },
      { granted: 1, waitMs: 0 },
    ],
  );
  assert.deepEqual([four?.granted, two?.granted], [3, 0]);
  assert.ok(four!.waitMs > 40_000 && four!.waitMs <= 50_000, `one token is missing: ${four!.waitMs}`);
  assert.ok(two!.waitMs > 140_000 && two!.waitMs <= 150_000, `two more behind that one: ${two!.waitMs}`);
  assert.equal(await granted(rates.take("bank", SLOW, 100)), 9);
});

test("a lower rate, set while an app has many tokens left, holds at once", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const rates = createAppRates(redis, deps());
  await rates.take("shop", { ratePerSecond: 1, burst: 1_000 }, 1);
  assert.equal(await granted(rates.take("shop", SLOW, 100)), 10);
});

test("an app that asks more than can wait is answered here, and every other app by Redis", async () => {
  const asked: string[] = [];
  const answering = {
    eval: async (_script: string, count: number, ...rest: string[]) => {
      asked.push(...rest.slice(0, count));
      return rest.slice(0, count).flatMap(() => [1, 0]);
    },
  };
  const rates = createAppRates(answering as unknown as Redis, deps());
  const flood = Array.from({ length: 12_000 }, () => rates.take("shop", SLOW, 1));
  await Promise.all([...flood, rates.take("bank", SLOW, 1)]);
  assert.ok(asked.length < 12_000 && asked.includes("carillon:app-rate:bank"));
  await rates.take("shop", SLOW, 1);
  assert.equal(asked.at(-1), "carillon:app-rate:shop", "without a pause");
});

test("while Redis is away each gateway keeps to its share, and uses Redis again afterwards", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const { clock, pods } = deps(2);
  const rates = createAppRates(redis, { clock, pods });
  await server.kill();
  assert.equal(await granted(rates.take("shop", SLOW, 100)), 5);
  clock.advance(100_000);
  assert.equal(await granted(rates.take("shop", SLOW, 100)), 1, "half the rate for 100 s");
  await server.restart();
  clock.advance(REDIS_PAUSE_MS);
  await eventually("Redis is used again", async () => {
    clock.advance(REDIS_PAUSE_MS);
    return (await granted(rates.take("shop", SLOW, 100))) === 10;
  });
});

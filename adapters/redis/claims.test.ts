import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startRedis } from "../../test/support/servers.ts";
import { createClaimGate } from "./claims.ts";
import { connectRedis } from "./connect.ts";
import { REDIS_PAUSE_MS } from "./pause.ts";

const log = createLogger("test", "silent");

test("the first holder may try, another may not, and the first one still may", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const a = createClaimGate(redis);
  const b = createClaimGate(redis);
  assert.equal(await a.mayTry("d-0/1", "a", 60_000), true);
  assert.equal(await b.mayTry("d-0/1", "b", 60_000), false);
  assert.equal(await a.mayTry("d-0/1", "a", 60_000), true);
  assert.equal(await b.mayTry("d-0/2", "b", 60_000), true, "another attempt is another claim");
});

test("one of several simultaneous copies may try, and they are sent in one batch", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const gate = createClaimGate(redis);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => gate.mayTry(`d-${n % 10}/1`, `holder-${n}`, 60_000)));
  assert.equal(answers.filter((a) => a).length, 10);
  const calls = /cmdstat_eval:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1];
  assert.equal(calls, "1");
});

test("a claim expires", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const gate = createClaimGate(redis);
  await gate.mayTry("d-0/1", "a", 30);
  await eventually("the other may try", () => gate.mayTry("d-0/1", "b", 60_000));
});

test("without Redis every copy may try: the store decides", async () => {
  assert.equal(await createClaimGate(undefined).mayTry("d-0/1", "a", 60_000), true);
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  let now = 0;
  const gate = createClaimGate(redis, { ...systemClock, monotonic: () => now });
  assert.equal(await gate.mayTry("d-0/1", "a", 60_000), true);
  await server.kill();
  assert.equal(await gate.mayTry("d-0/1", "b", 60_000), true);
  await server.restart();
  await eventually("it is back", () => redis.status === "ready");
  assert.equal(await gate.mayTry("d-0/1", "b", 60_000), true);
  assert.equal(await redis.exists("carillon:claim:d-0/1"), 0, "right after a failure Redis is left alone");
  now = REDIS_PAUSE_MS;
  assert.equal(await gate.mayTry("d-0/1", "b", 60_000), true);
  assert.equal(await gate.mayTry("d-0/1", "c", 60_000), false);
});

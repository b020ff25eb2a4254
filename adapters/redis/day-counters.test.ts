import assert from "node:assert/strict";
import { test } from "node:test";
import type { Redis } from "ioredis";
import type { DayCount } from "../../core/ports/quota-counters.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { startRedis } from "../../test/support/servers.ts";
import { connectRedis } from "./connect.ts";
import { createDayCounters } from "./day-counters.ts";

const log = createLogger("test", "silent");
const deps = (pods = 1) => ({ clock: createFakeClock(), pods: () => pods });
const sms = (count: number, over: Partial<DayCount> = {}): DayCount => ({
  ...{ app: "shop", day: "2026-01-05", entries: [{ name: "sms/critical", count, max: 10 }] },
  ...over,
});

test("gateways count an app's day together, each app and day by itself", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  await using other = await connectRedis(server.url, { log });
  const [a, b] = [createDayCounters(redis, deps()), createDayCounters(other, deps())];
  assert.equal(await a.add(sms(6)), undefined);
  assert.equal(await b.add(sms(5)), "sms/critical");
  assert.equal(await b.add(sms(4)), undefined);
  assert.equal(await a.add(sms(1)), "sms/critical");
  assert.equal(await a.add(sms(10, { app: "bank" })), undefined);
  assert.equal(await a.add(sms(10, { day: "2026-01-06" })), undefined);
  assert.ok((await redis.pttl("carillon:app-day:2026-01-05:shop")) > 0);
  assert.equal(await a.add(sms(10, { day: "2026-04-05" })), undefined);
  assert.ok((await redis.pttl("carillon:app-day:2026-04-05:shop")) > 91 * 86_400_000, "kept beyond the day that it counts");
});

test("a notification is counted on all its channels or on none, and what was given back is free again", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const days = createDayCounters(redis, deps());
  const both = (email: number): DayCount =>
    sms(5, {
      entries: [
        { name: "sms/critical", count: 5, max: 10 },
        { name: "email/critical", count: email, max: 3 },
      ],
    });
  assert.equal(await days.add(both(4)), "email/critical");
  assert.equal(await days.add(sms(10)), undefined, "nothing was counted for the first");
  days.giveBack(sms(10));
  assert.equal(await days.add(both(3)), undefined);
  assert.equal(await days.add(sms(6)), "sms/critical");
});

test("an app that counts more than can wait is judged here, and every other app by Redis", async () => {
  const asked: string[] = [];
  const answering = {
    eval: async (_script: string, count: number, ...rest: string[]) => {
      asked.push(...rest.slice(0, count));
      return rest.slice(0, count).map(() => 0);
    },
  };
  const days = createDayCounters(answering as unknown as Redis, deps());
  const flood = Array.from({ length: 12_000 }, () => days.add(sms(1)));
  await Promise.all([...flood, days.add(sms(1, { app: "bank" }))]);
  assert.ok(asked.length < 12_000 && asked.includes("carillon:app-day:2026-01-05:bank"));
  await days.add(sms(1, { app: "other" }));
  assert.equal(asked.at(-1), "carillon:app-day:2026-01-05:other", "without a pause");
});

test("while Redis is away, or has lost its counters, an app is never without a ceiling", async () => {
  await using server = await startRedis();
  await using redis = await connectRedis(server.url, { log });
  const days = createDayCounters(redis, deps(2));
  assert.equal(await days.add(sms(3)), undefined);
  await redis.flushall();
  assert.equal(await days.add(sms(8)), "sms/critical", "this process alone has added too many");
  await server.kill();
  assert.equal(await days.add(sms(2)), undefined);
  assert.equal(await days.add(sms(1)), "sms/critical", "its share of ten among two is five");
  assert.equal(await days.add(sms(5, { day: "2026-01-06" })), undefined);
});

import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/ports/clock.ts";
import type { AppRates } from "../../core/ports/quota-counters.ts";
import { type BucketLimit, refill, type TokenBucket, takeFrom } from "../../core/quotas/bucket.ts";
import { createBatcher } from "../../runtime/batch.ts";
import { createUseRedis } from "./pause.ts";

const TAKE = readFileSync(new URL("./app-rates.lua", import.meta.url), "utf8");
/** Requests in one EVAL: about 0.5 ms of Redis's only thread. More wait for the answer of the one before, which takes under 1 ms. */
const BATCHES = { batchMax: 100, waitingMax: 10_000, concurrency: 2 };
/** Local buckets kept, one per app; a forgotten one is full again. */
const APPS_MAX = 10_000;

interface Ask {
  app: string;
  limit: BucketLimit;
  charged: number;
  wanted: number;
}
type Grant = Awaited<ReturnType<AppRates["take"]>>;

/**
 * @param pods how many gateways there are, to share the rates while Redis is away
 * @param counter what is counted; each has its own buckets
 */
export function createAppRates(redis: Redis, deps: { clock: Clock; pods: () => number; counter?: "app-rate" | "app-calls" }): AppRates {
  const { clock, pods, counter = "app-rate" } = deps;
  const own = new LRUCache<string, TokenBucket>({ max: APPS_MAX });
  const useRedis = createUseRedis(clock);
  const batcher = createBatcher<Ask, Grant>((asks) => takeAll(redis, counter, asks), BATCHES, clock, { laneOf: ({ app }) => app });

  const ask = async (wanted: Ask): Promise<Grant> => (await useRedis(() => batcher.add(wanted))) ?? takeOwn(wanted);

  function takeOwn({ app, limit, charged, wanted }: Ask): Grant {
    const share = 1 / Math.max(1, pods());
    const mine = { ratePerSecond: limit.ratePerSecond * share, burst: Math.max(1, limit.burst * share) };
    const now = clock.monotonic();
    const { tokens } = refill(own.get(app), mine, now);
    const { bucket, granted, waitMs } = takeFrom({ tokens: Math.min(mine.burst, tokens - charged), at: now }, mine, wanted, now);
    own.set(app, bucket);
    return { granted, waitMs };
  }

  return {
    take: (app, limit, wanted) => ask({ app, limit, charged: 0, wanted }),
    charge(app, limit, tokens) {
      void ask({ app, limit, charged: tokens, wanted: 0 });
    },
  };
}

/**
 * Requests that arrive together are mostly of one app: Redis is asked once for all of an app. With some 50 unary calls to a
 * batch this took Redis from 20 to 13 us of CPU a call.
 */
async function takeAll(redis: Redis, counter: string, asks: readonly Ask[]): Promise<Grant[]> {
  const groups = [...Map.groupBy(asks, ({ app, limit }) => `${app} ${limit.ratePerSecond} ${limit.burst}`).values()].map(together);
  const keys = groups.map(({ app }) => `carillon:${counter}:${app}`);
  const args = groups.flatMap(({ limit, charged, wanted }) => [limit.ratePerSecond / 1_000, limit.burst, charged, wanted]);
  const answer: unknown = await redis.eval(TAKE, keys.length, ...keys, ...args);
  if (!Array.isArray(answer) || answer.length !== 2 * groups.length || !answer.every((n) => Number.isSafeInteger(n)))
    throw new Error("Redis answered with a wrong number of grants");
  const grants = new Map<Ask, Grant>();
  for (const [i, group] of groups.entries()) divide(group, { granted: Number(answer[2 * i]), waitMs: Number(answer[2 * i + 1]) }, grants);
  return asks.map((ask) => grants.get(ask)!);
}

interface Group extends Ask {
  asks: readonly Ask[];
}

function together(asks: Ask[]): Group {
  const { app, limit } = asks[0]!;
  const sumOf = (field: "charged" | "wanted") => asks.reduce((sum, ask) => sum + ask[field], 0);
  return { app, limit, charged: sumOf("charged"), wanted: sumOf("wanted"), asks };
}

/** In order, as if each had been asked for by itself: a later one waits for the tokens of those before it as well. */
function divide({ asks, limit, wanted }: Group, { granted, waitMs }: Grant, grants: Map<Ask, Grant>): void {
  const missingOfAll = Math.min(wanted - granted, limit.burst);
  let [left, missing] = [granted, 0];
  for (const ask of asks) {
    const mine = Math.min(left, ask.wanted);
    left -= mine;
    missing += ask.wanted - mine;
    const sooner = ((missingOfAll - Math.min(missing, limit.burst)) * 1_000) / limit.ratePerSecond;
    grants.set(ask, { granted: mine, waitMs: mine < ask.wanted ? Math.max(1, Math.ceil(waitMs - sooner)) : 0 });
  }
}

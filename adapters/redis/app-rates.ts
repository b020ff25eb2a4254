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

async function takeAll(redis: Redis, counter: string, asks: readonly Ask[]): Promise<Grant[]> {
  const keys = asks.map(({ app }) => `carillon:${counter}:${app}`);
  const args = asks.flatMap(({ limit, charged, wanted }) => [limit.ratePerSecond / 1_000, limit.burst, charged, wanted]);
  const answer: unknown = await redis.eval(TAKE, keys.length, ...keys, ...args);
  if (!Array.isArray(answer) || answer.length !== 2 * asks.length || !answer.every((n) => Number.isSafeInteger(n)))
    throw new Error("Redis answered with a wrong number of grants");
  return asks.map((_, i) => ({ granted: Number(answer[2 * i]), waitMs: Number(answer[2 * i + 1]) }));
}

// What tests of an app's limits share: a Redis, and gateways with quotas over one store. Both are empty for each test.
import { after, before, beforeEach } from "node:test";
import { createAppRates } from "../../adapters/redis/app-rates.ts";
import { connectRedis, type RedisConnection } from "../../adapters/redis/connect.ts";
import { createDayCounters } from "../../adapters/redis/day-counters.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import type { AppLimits } from "../../core/apps/limits.ts";
import { createOwnReading } from "../../core/ports/shared-reading.ts";
import type { QuotaDefaults } from "../../core/quotas/app-quota.ts";
import type { AcceptResult } from "../../gateway/accept.ts";
import { createAppOpen } from "../../gateway/app-open.ts";
import { createQuotas } from "../../gateway/quotas.ts";
import {
  type AcceptSetting,
  type AcceptWorld,
  CALLING_APP,
  createAcceptWorld,
  errorOf,
  silentLog as log,
  smsMessage as sms,
} from "./accept-world.ts";
import { startRedis } from "./servers.ts";

export const DEFAULTS: QuotaDefaults = { ratePerSecond: 2_000, burst: 20_000, openMax: 1_000, scheduledMax: 1_000, smsDailyMax: 1_000 };
export const DAY_MS = 86_400_000;

export const appOf = (limits: AppLimits, id = "app"): AppRecord => ({ ...CALLING_APP, id, limits });
export const many = (n: number, over: Parameters<typeof sms>[1] = {}, name = "n") =>
  Array.from({ length: n }, (_, i) => sms(`${name}${i}`, over));
export const reasons = (results: readonly AcceptResult[]) => results.map((r) => errorOf(r)?.reason ?? "accepted");

export interface QuotaWorld {
  redis: RedisConnection;
  world: AcceptWorld;
  /** A gateway with quotas, as main.ts wires it. */
  setUp(setting?: AcceptSetting): ReturnType<AcceptWorld["setUp"]>;
}

export function useQuotaWorld(): QuotaWorld {
  let server: Awaited<ReturnType<typeof startRedis>>;
  before(async () => {
    server = await startRedis();
    quota.redis = await connectRedis(server.url, { log });
  });
  after(async () => {
    await quota.redis[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async (t) => {
    await quota.redis.flushall();
    quota.world = await createAcceptWorld();
    const { store } = quota.world;
    if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  });
  const quota = {
    setUp(setting: AcceptSetting = {}) {
      const { redis, world } = quota;
      const { clock, store } = world;
      const quotas = createQuotas({
        rates: createAppRates(redis, { clock, pods: () => 1 }),
        days: createDayCounters(redis, { clock, pods: () => 1 }),
        open: createAppOpen(store.notifications, { clock, log, read: createOwnReading(clock) }),
        ...{ defaults: DEFAULTS, clock },
      });
      return world.setUp({ ...setting, quotas, openMax: 100_000 });
    },
  } as QuotaWorld;
  return quota;
}

// What tests of preferences share: a store, one Redis, and instances over both. Clock, store and Redis are new or empty for each test.
import { after, before, beforeEach } from "node:test";
import { createPreferences, type Preferences } from "../../adapters/opt-outs/preferences.ts";
import { connectRedis, type RedisConnection } from "../../adapters/redis/connect.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { OptOutAnswer, OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "./eventually.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { startRedis } from "./servers.ts";
import { type WatchedPreferences, watchPreferences } from "./watched-preferences.ts";

export const APP = "shop";
/** Over how many sets Redis spreads the opt-outs. */
export const BUCKETS = 32;
const log = createLogger("test", "silent");

export const question = (
  userId: string | undefined,
  endpoint?: Endpoint,
  channel: Channel = "email",
  category = "news",
  app = APP,
): OptOutQuestion => ({ app, userId, endpoint, channel, category, notificationClass: "transactional" });

export const ask = async (p: Preferences, userId = "ada", channel: Channel = "email", category = "news", app = APP) =>
  (await p.check([question(userId, undefined, channel, category, app)]))[0] as OptOutAnswer;

export class PreferencesWorld {
  redis!: RedisConnection;
  store!: Store;
  watched!: WatchedPreferences;
  clock!: FakeClock;
  #strangers = 0;

  storeOnly = () =>
    createPreferences({
      store: this.watched.store,
      apps: this.store.apps,
      profiles: this.store.profiles,
      redis: undefined,
      clock: this.clock,
      log,
    });
  /** An instance over another view of the store. */
  over = (store: PreferenceStore, apps: Pick<AppStore, "find"> = this.store.apps) =>
    createPreferences({
      store,
      apps,
      profiles: this.store.profiles,
      redis: this.redis,
      clock: this.clock,
      log,
      buckets: BUCKETS,
    });
  /** An instance whose Redis is filled and trusted. */
  start = async (): Promise<Preferences> => {
    const preferences = this.over(this.watched.store);
    await this.redisAnswers(preferences);
    return preferences;
  };
  redisAnswers = (preferences: Preferences) =>
    eventually("Redis answers for all users", async () => {
      const users = Array.from({ length: 4 * BUCKETS }, () => `stranger-${this.#strangers++}`);
      this.watched.found = [];
      await preferences.check(users.map((u) => question(u, undefined, "email", "never-put")));
      return this.watched.found.length === 0;
    });
}

export function usePreferencesWorld(): PreferencesWorld {
  const world = new PreferencesWorld();
  let server: Awaited<ReturnType<typeof startRedis>>;
  before(async () => {
    server = await startRedis();
    world.redis = await connectRedis(server.url, { log });
  });
  after(async () => {
    await world.redis[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await world.store[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await world.redis.flushall();
    await world.store?.[Symbol.asyncDispose]();
    world.store = await openStore("sqlite::memory:");
    world.watched = watchPreferences(world.store.preferences);
    world.clock = createFakeClock();
  });
  return world;
}

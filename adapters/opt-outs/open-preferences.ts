import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Values } from "../../runtime/config.ts";
import type { Logger } from "../../runtime/logger.ts";
import { connectRedis, type RedisConnection, redisVariables } from "../redis/connect.ts";
import { createPreferences, type Preferences } from "./preferences.ts";

/** What it takes to change preferences so that every process obeys within the bound. */
export const preferenceVariables = redisVariables;

/** It changes preferences and hardly reads them. */
const CACHED_MAX = 1_000;
const WITHOUT_REDIS = "what people refuse is stored, and takes effect with the next sweep of those who send";

interface PreferencesParts {
  store: Store;
  clock: Clock;
  log: Logger;
  stack: AsyncDisposableStack;
  /** The process's own connection; absent: one is opened. */
  redis?: RedisConnection | undefined;
}

/** Changes preferences as the preferences service does: Redis first, then the store, then Redis again. Starts without Redis. */
export async function openPreferences(
  config: Values<typeof preferenceVariables>,
  { store, clock, log, stack, ...given }: PreferencesParts,
): Promise<Preferences> {
  const redis =
    given.redis ?? stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, withoutIt: WITHOUT_REDIS }));
  const { preferences, apps, profiles } = store;
  return stack.use(createPreferences({ store: preferences, apps, profiles, redis, clock, log, rebuilds: false, cachedMax: CACHED_MAX }));
}

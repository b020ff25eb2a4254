import { connectRedis, redisVariables } from "../../adapters/redis/connect.ts";
import { createSharedCircuits } from "../../adapters/redis/shared-circuits.ts";
import { type Circuits, readCircuits } from "../../operations/status/circuits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";

/** Circuits; or why they cannot be read. */
export type CircuitStatus = Circuits | { why: string };

/** The circuits that dispatchers share in the Redis of REDIS_URL; undefined where it is not set. */
export async function readSharedCircuits(env: Environment): Promise<CircuitStatus | undefined> {
  if (!env.REDIS_URL) return undefined;
  const config = readConfig(redisVariables, env);
  const log = createLogger("status", "error");
  const withoutIt = "circuits are not shown";
  await using redis = await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, withoutIt });
  const circuits = await readCircuits(
    (channel) => createSharedCircuits(redis, channel),
    () => systemClock.now(),
  );
  return circuits ?? { why: "Redis, where dispatchers share them, does not answer" };
}

import type { Clock } from "../../core/ports/clock.ts";
import type { OptOuts } from "../../core/ports/opt-outs.ts";
import type { Store } from "../../core/ports/store.ts";
import { choice, text, type Values } from "../../runtime/config.ts";
import { type InternalTokens, internalTokenVariables } from "../../runtime/internal-tokens.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type Certificates, internalTlsVariables } from "../../runtime/tls/grpc-tls.ts";
import { awaitPreferences } from "../preferences/await-preferences.ts";
import { createOptOutsClient } from "../preferences/opt-outs-client.ts";
import { connectRedis, redisVariables } from "../redis/connect.ts";
import { createOptOutReader, type ReadOptOuts } from "./opt-out-reader.ts";

/** Of a role that asks whether a recipient opted out. */
export const optOutVariables = {
  ...redisVariables,
  ...internalTlsVariables,
  ...internalTokenVariables,
  PREFERENCES_ADDRESS: text({ default: "127.0.0.1:7710", reason: "host:port of the preferences service" }),
  OPT_OUTS_READ: choice(["process", "service"], {
    default: "process",
    reason:
      "who reads opt-outs: the own process from Redis and the store, or the preferences service, which is one more call for each notification. Every " +
      "process that reads copies the changes of the last seconds to Redis again: choose service where more than some 100 pods meet more than 100 changes a second",
  }),
};

/**
 * How the role asks for opt-outs. In the own process there is no call to another: at few calls at once the whole system sent 1.25 times as many with 0.84
 * of the CPU time, and at 900/s p99 of accepting was 0.72 of what it was (SQLite, two cores, alternating pairs); when no core is idle there is no difference.
 */
export async function openOptOuts(
  config: Values<typeof optOutVariables>,
  parts: {
    store: Store;
    tokens: InternalTokens;
    tls: Certificates | undefined;
    clock: Clock;
    log: Logger;
    signal: AbortSignal;
    stack: AsyncDisposableStack;
    /** For a role that starts without Redis: what it then does, for the log. */
    withoutRedis?: string;
  },
): Promise<OptOuts & Partial<ReadOptOuts>> {
  const { store, tokens, tls, clock, log, signal, stack, withoutRedis } = parts;
  if (config.OPT_OUTS_READ === "service") {
    const client = stack.use(createOptOutsClient({ address: config.PREFERENCES_ADDRESS, tokens, tls, log }));
    await awaitPreferences(client, { address: config.PREFERENCES_ADDRESS, clock, log, signal });
    return client;
  }
  // A connection of its own: it is made anew whenever what it reads is in doubt.
  const redis = stack.use(
    await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, ...(withoutRedis && { withoutIt: withoutRedis }) }),
  );
  return stack.use(createOptOutReader({ store: store.preferences, apps: store.apps, profiles: store.profiles, redis, clock, log }));
}

import { connectNats } from "../adapters/nats/connect.ts";
import { consumeTasks } from "../adapters/nats/consume.ts";
import { createWorkload, startReporting } from "../adapters/nats/report.ts";
import { ensureStreams } from "../adapters/nats/streams.ts";
import { createOptOutsClient } from "../adapters/preferences/opt-outs-client.ts";
import { createClaimGate } from "../adapters/redis/claims.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { createCrashCounter } from "../adapters/redis/crash-counter.ts";
import { createRateLimiter } from "../adapters/redis/rate-limiter.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { attributedProvidersOf, type ChannelParts, type CreateProviders } from "../providers/channel-providers.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Values, Variables } from "../runtime/config.ts";
import type { Runtime, Started } from "../runtime/run.ts";
import { internalTls } from "../runtime/tls/grpc-tls.ts";
import { watchConfig } from "../runtime/watch-config.ts";
import { createCircuitBreakers } from "./circuit-breaker.ts";
import type { dispatcherVariables } from "./config.ts";
import { createDispatch } from "./dispatch.ts";
import { hotReloading } from "./hot-reloading.ts";
import { instrumented } from "./instrumented.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createPoisonGuard } from "./poison-guard.ts";

/** A channel's providers, and the variables that make them: where a file of theirs changes, they are made anew. */
export interface Providers {
  variables: Variables;
  /** For every configuration as many, of the same names. */
  create: CreateProviders;
}

/** All that the five dispatchers share: everything but the channel and who serves it. */
export async function serveDispatcher(
  channel: Channel,
  { variables, create }: Providers,
  config: Values<typeof dispatcherVariables>,
  { log, metrics, stack, signal, worker, tracer, env, failpoint }: Runtime,
): Promise<Started> {
  const clock = systemClock;
  const parts: ChannelParts = { clock, attribute: (...given) => store.attempts.attribute(...given) };
  const made = create(config, parts).map((provider) => stack.use(hotReloading(provider, log)));
  const tls = internalTls(config, log);
  const store = await openRoleStore(config, { stack, log, metrics, signal }, { attributedProviders: attributedProvidersOf(channel) });
  const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE }));
  const nats = stack.use(await connectNats(config, log));
  const optOuts = stack.use(createOptOutsClient({ address: config.PREFERENCES_ADDRESS, token: config.INTERNAL_TOKEN_FILE, tls }));
  await ensureStreams(nats, config, [channel]);
  const dispatchMetrics = createDispatchMetrics(metrics);
  const workload = createWorkload(clock);
  stack.use(startReporting(nats, { channel, worker, workload, clock }));
  const providers = made.map((provider) => instrumented(provider, workload));
  const circuits = createCircuitBreakers(providers, clock);
  const dispatch = createDispatch({
    ...{ channel, providers, circuits, store, optOuts, worker, log, tracer, failpoint, clock, random: Math.random },
    gate: createClaimGate(redis),
    rateLimiter: createRateLimiter(redis, { channel, ratePerSecond: config.DISPATCH_RATE_MAX, signal, clock, random: Math.random }),
    deadlineMs: config.PROVIDER_DEADLINE_MS,
    metrics: dispatchMetrics,
  });
  const handle = createPoisonGuard(dispatch, {
    store,
    crashCounter: createCrashCounter(redis),
    worker,
    clock,
    log,
    metrics: dispatchMetrics,
  });
  const take = (changed: Values<Variables>) => {
    for (const [i, next] of create(changed, parts).entries()) made[i]?.replace(next);
    circuits.close();
  };
  stack.use(watchConfig({ variables, env, start: config, take, log }));
  const consuming = consumeTasks(nats, handle, {
    ...{ channel, worker, signal, log, tracer, clock, workload, inFlightMax: config.DISPATCH_IN_FLIGHT },
    ensure: () => ensureStreams(nats, config, [channel]),
  });
  return { drained: () => consuming };
}

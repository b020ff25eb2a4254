import { createEventRecorder } from "../adapters/event-recorder.ts";
import { connectNats, natsCondition } from "../adapters/nats/connect.ts";
import { consumeTasks } from "../adapters/nats/consume.ts";
import { createWorkload, startReporting } from "../adapters/nats/report.ts";
import { ensureStreams } from "../adapters/nats/streams.ts";
import { openOptOuts } from "../adapters/opt-outs/open-opt-outs.ts";
import { openPreferences } from "../adapters/opt-outs/open-preferences.ts";
import { openSendingTimes } from "../adapters/preferences/sending-times.ts";
import { createClaimGate } from "../adapters/redis/claims.ts";
import { connectRedis, redisCondition } from "../adapters/redis/connect.ts";
import { createCrashCounter } from "../adapters/redis/crash-counter.ts";
import { createRateLimiter } from "../adapters/redis/rate-limiter.ts";
import { createSharedCircuits } from "../adapters/redis/shared-circuits.ts";
import { createAppWeights } from "../adapters/store/app-weights.ts";
import { createServedApps } from "../adapters/store/served-apps.ts";
import { createSteeringReader } from "../adapters/store/steering-reader.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { watchUnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { RateLimiter } from "../core/ports/rate-limiter.ts";
import { attributedProvidersOf, type ChannelParts, type ChannelProviders, providersOf } from "../providers/channel-providers.ts";
import { watchAccounts } from "../providers/watch-accounts.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Values, Variables } from "../runtime/config.ts";
import { watchInternalTokens } from "../runtime/internal-tokens.ts";
import type { Runtime, Started } from "../runtime/run.ts";
import { internalTls } from "../runtime/tls/grpc-tls.ts";
import { createUtilization } from "../runtime/utilization.ts";
import { watchConfig } from "../runtime/watch-config.ts";
import { createAccountPool } from "./account-pool.ts";
import { createBlobLoader } from "./blob-loader.ts";
import { createCapCheck } from "./cap-check.ts";
import { createCircuitBreakers, startSharing } from "./circuit-breaker.ts";
import type { DispatcherConfig } from "./config.ts";
import { createContentLoader } from "./content-loader.ts";
import { createDispatch } from "./dispatch.ts";
import { instrumented } from "./instrumented.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createNeedsGuard } from "./needs-guard.ts";
import { createPoisonGuard } from "./poison-guard.ts";
import { createSetupWaiters } from "./setup-waiters.ts";
import { createStartQueue, heldOf } from "./start-queue.ts";
import { createUnsubscribe } from "./unsubscribe.ts";

/** A channel's providers, and the variables that make their default accounts: where a file of theirs changes, these are made again. */
interface Providers extends ChannelProviders {
  variables: Variables;
}

/** The wiring that all dispatchers share: everything but the channel and its providers. */
export async function serveDispatcher(
  channel: Channel,
  { variables, order, create, createListed }: Providers,
  config: DispatcherConfig,
  { log, metrics, stack, signal, worker, tracer, env, conditions, failpoint }: Runtime,
): Promise<Started> {
  const clock = systemClock;
  const parts: ChannelParts = { clock, attribute: (...given) => store.attempts.attribute(...given) };
  const workload = createWorkload(clock);
  const pool = stack.use(createAccountPool(order, (provider) => instrumented(provider, workload), log));
  for (const provider of createListed(config, parts)) pool.put(DEFAULT_ACCOUNT, provider);
  const tls = internalTls(config, log, config.PREFERENCES_ADDRESS);
  const store = await openRoleStore(
    config,
    { stack, log, metrics, signal, conditions },
    {
      attributedProviders: attributedProvidersOf(channel),
      hasWriterThread: true,
    },
  );
  const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE }));
  conditions.add("Redis", redisCondition(redis));
  const nats = stack.use(await connectNats(config, log));
  conditions.add("NATS", natsCondition(nats));
  const tokens = stack.use(watchInternalTokens({ config, env, log }));
  const optOuts = await openOptOuts(config, { store, tokens, tls, clock, log, signal, stack });
  // Where this process reads preferences itself, the same instance, so that its cache drops what was changed.
  const preferences = optOuts.preferences ?? (await openPreferences(config, { store, clock, log, stack, redis }));
  await ensureStreams(nats, config, [channel]);
  const dispatchMetrics = createDispatchMetrics(metrics);
  // A poison message is counted once. From a series that begins with 1, increase() would tell nothing, and no alert would fire.
  dispatchMetrics.settled.inc({ channel, settlement: "term", why: "poison" }, 0);
  const recorder = createEventRecorder({ metrics, log });
  stack.use(startReporting(nats, { channel, worker, workload, clock }));
  const { providers } = pool;
  const circuits = createCircuitBreakers({
    ...{ providers, clock, log, random: Math.random, deadlineMs: config.PROVIDER_DEADLINE_MS, metrics: dispatchMetrics },
    shared: createSharedCircuits(redis, channel),
  });
  stack.use(startSharing(circuits, clock));
  const setupWaiters = createSetupWaiters({ store, recorder, clock, log });
  const appOf = createServedApps(store.apps, clock);
  const dispatch = createDispatch({
    ...{ channel, providers, circuits, setupWaiters, store, recorder, optOuts, preferences, worker },
    ...{ log, tracer, failpoint, clock, random: Math.random },
    accountsOf: async (app) => (await appOf(app)).accounts,
    sendingTimes: openSendingTimes({ store, appOf, clock }),
    steering: createSteeringReader({ steering: store.steering, clock, log }),
    checkCap: createCapCheck({ caps: store.caps, appOf, clock }),
    gate: createClaimGate(redis),
    rateLimiterOf: rateLimiters((account) =>
      createRateLimiter(redis, { channel, account, ratePerSecond: config.DISPATCH_RATE_MAX, signal, clock, random: Math.random }),
    ),
    deadlineMs: config.PROVIDER_DEADLINE_MS,
    metrics: dispatchMetrics,
    calling: (holder) => startQueue.calling(holder),
  });
  const loading = { channel, store, recorder, worker, clock, log, metrics: dispatchMetrics };
  const links = channel === "email" ? stack.use(watchUnsubscribeLinks({ config, env, log })) : undefined;
  const linked = links ? createUnsubscribe(dispatch, { ...loading, appOf, links, base: config.FEEDBACK_URL }) : dispatch;
  const loaded = createContentLoader(createBlobLoader(linked, loading), loading);
  const guarded = createNeedsGuard(loaded, { channel, clock, log, metrics: dispatchMetrics });
  const unpoisoned = createPoisonGuard(guarded, {
    store,
    recorder,
    crashCounter: createCrashCounter(redis, config.NATS_ACK_WAIT_MS),
    ackWaitMs: config.NATS_ACK_WAIT_MS,
    worker,
    clock,
    log,
    metrics: dispatchMetrics,
  });
  const startQueue = createStartQueue(unpoisoned, {
    ...{ inFlightMax: config.DISPATCH_IN_FLIGHT, ackWaitMs: config.NATS_ACK_WAIT_MS, clock, signal },
    weightOf: createAppWeights(store.apps, clock),
    createUtilization,
  });
  const take = (changed: Values<Variables>) => {
    for (const next of createListed(changed, parts)) pool.put(DEFAULT_ACCOUNT, next);
    circuits.close();
    void setupWaiters.wake();
  };
  stack.use(watchConfig({ variables, env, start: config, take, log }));
  stack.use(
    watchAccounts({
      ...{ directory: config.PROVIDER_ACCOUNTS_DIR, definitions: providersOf(channel), env, log },
      variablesOf: (definition) => definition.variables,
      requiresOf: (definition) => definition.requires,
      take({ provider, account }, values) {
        if (values) pool.put(account, create(provider, values, parts));
        else pool.remove(provider, account);
        circuits.close(account);
        void setupWaiters.wake();
      },
    }),
  );
  const consuming = consumeTasks(nats, startQueue.handle, {
    ...{ channel, worker, signal, log, tracer, clock, workload },
    heldMax: (c) => heldOf(c, config.DISPATCH_IN_FLIGHT),
    ensure: () => ensureStreams(nats, config, [channel]),
  });
  return { drained: () => consuming };
}

/** One per account, made when it is first asked for. Accounts are few: see ACCOUNTS_MAX. */
function rateLimiters(create: (account: string) => RateLimiter): (account: string) => RateLimiter {
  const made = new Map<string, RateLimiter>();
  return (account) => made.get(account) ?? made.set(account, create(account)).get(account)!;
}

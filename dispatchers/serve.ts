import type { Channel } from "../core/channel.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { Store } from "../core/ports/store.ts";
import { systemClock } from "../infra/clock.ts";
import type { Values } from "../infra/config.ts";
import { createRefusalsClient } from "../infra/grpc/refusals.ts";
import { internalTls } from "../infra/grpc/tls.ts";
import { connectNats } from "../infra/nats/connect.ts";
import { consumeTasks } from "../infra/nats/consume.ts";
import { createWorkload, startReporting } from "../infra/nats/report.ts";
import { ensureStreams } from "../infra/nats/streams.ts";
import { createClaimGate } from "../infra/redis/claims.ts";
import { connectRedis } from "../infra/redis/connect.ts";
import { createGovernor } from "../infra/redis/governor.ts";
import { createSuspects } from "../infra/redis/suspects.ts";
import type { Runtime, Started } from "../infra/run.ts";
import { openRoleStore } from "../infra/store-config.ts";
import type { dispatcherVariables } from "./config.ts";
import { createDispatch } from "./dispatch.ts";
import { measured } from "./measured.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createPoisonGuard } from "./poison.ts";

/** A function where one of them needs the store; it is called once that is open, and what its configuration lacks was said before. */
export type Providers = readonly Provider[] | ((store: Pick<Store, "attempts">) => readonly Provider[]);

/** All that the five dispatchers share: everything but the channel and who serves it. */
export async function serveDispatcher(
  channel: Channel,
  given: Providers,
  config: Values<typeof dispatcherVariables>,
  { log, metrics, stack, signal, worker, tracer, reached }: Runtime,
): Promise<Started> {
  if (typeof given !== "function") for (const provider of given) stack.use(provider);
  const tls = internalTls(config, log);
  const store = await openRoleStore(config, { stack, log, metrics, signal });
  const providers = typeof given === "function" ? given(store).map((provider) => stack.use(provider)) : given;
  const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE }));
  const nats = stack.use(await connectNats(config, log));
  const refusals = stack.use(createRefusalsClient({ address: config.PREFERENCES_ADDRESS, token: config.INTERNAL_TOKEN_FILE, tls }));
  await ensureStreams(nats, config, [channel]);
  const clock = systemClock;
  const dispatchMetrics = createDispatchMetrics(metrics);
  const workload = createWorkload(clock);
  stack.use(startReporting(nats, { channel, worker, workload, clock }));
  const dispatch = createDispatch({
    ...{
      channel,
      providers: providers.map((provider) => measured(provider, workload)),
      store,
      refusals,
      worker,
      log,
      tracer,
      reached,
      clock,
      random: Math.random,
    },
    gate: createClaimGate(redis),
    permits: createGovernor(redis, { channel, ratePerSecond: config.DISPATCH_RATE_MAX, signal, clock, random: Math.random }),
    deadlineMs: config.PROVIDER_DEADLINE_MS,
    metrics: dispatchMetrics,
  });
  const handle = createPoisonGuard(dispatch, { store, suspects: createSuspects(redis), worker, clock, log, metrics: dispatchMetrics });
  const consuming = consumeTasks(nats, handle, {
    ...{ channel, worker, signal, log, tracer, clock, workload, inFlightMax: config.DISPATCH_IN_FLIGHT },
    ensure: () => ensureStreams(nats, config, [channel]),
  });
  return { drained: () => consuming };
}

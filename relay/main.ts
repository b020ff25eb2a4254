import { systemClock } from "../infra/clock.ts";
import { connectNats } from "../infra/nats/connect.ts";
import { createTaskPublisher } from "../infra/nats/publish.ts";
import { createQueueLag } from "../infra/nats/queue-lag.ts";
import { ensureStreams } from "../infra/nats/streams.ts";
import { defineRole } from "../infra/run.ts";
import { openRoleStore } from "../infra/store-config.ts";
import { relayVariables } from "./config.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createRelay } from "./relay.ts";

export const role = defineRole({
  name: "relay",
  about: "publishes what is due: scheduled sends, retries, expiries, and what the watchdog finds",
  variables: relayVariables,
  async start(config, { log, metrics, stack, signal, worker, reached }) {
    const store = await openRoleStore(config, { stack, log, metrics, signal });
    const nats = stack.use(await connectNats(config, log));
    await ensureStreams(nats, config);
    const publisher = createTaskPublisher(nats, log);
    const relay = createRelay({
      store,
      publisher,
      queue: await createQueueLag(nats, systemClock),
      worker,
      pollMs: config.RELAY_POLL_MS,
      uncertainWaitMs: {
        critical: config.UNCERTAIN_WAIT_CRITICAL_MS,
        transactional: config.UNCERTAIN_WAIT_MS,
        marketing: config.UNCERTAIN_WAIT_MS,
      },
      watchdogFirstMs: config.WATCHDOG_FIRST_MS,
      reached,
      clock: systemClock,
      random: Math.random,
      log,
      metrics: createRelayMetrics(metrics),
    });
    const running = relay.run(signal);
    return { drained: () => running };
  },
});

import { createEventRecorder } from "../adapters/event-recorder.ts";
import { createAppShares } from "../adapters/nats/app-shares.ts";
import { connectNats, natsCondition } from "../adapters/nats/connect.ts";
import { reportOutbox } from "../adapters/nats/outbox-report.ts";
import { checkMayPublish } from "../adapters/nats/permissions.ts";
import { createTaskPublisher } from "../adapters/nats/publish.ts";
import { createQueueDepths } from "../adapters/nats/queue-depth.ts";
import { createQueueLag } from "../adapters/nats/queue-lag.ts";
import { ensureStreams } from "../adapters/nats/streams.ts";
import { openSendingTimes } from "../adapters/preferences/sending-times.ts";
import { readHistoryRetention, readRetention } from "../adapters/store/retention-config.ts";
import { createServedApps } from "../adapters/store/served-apps.ts";
import { createSteeringReader } from "../adapters/store/steering-reader.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { watchWebhookSigner } from "../adapters/webhook-secrets.ts";
import { taskSubjects } from "../core/delivery/subjects.ts";
import { confirmationOf, PROVIDERS } from "../providers/list.ts";
import { systemClock } from "../runtime/clock.ts";
import { createAddressFilter } from "../runtime/outbound.ts";
import { defineRole } from "../runtime/run.ts";
import { inDoubtRepeats, relayVariables } from "./config.ts";
import { measureOutbox } from "./measure.ts";
import { measureOpen } from "./measure-open.ts";
import { createRelayMetrics } from "./metrics.ts";
import { createRelay } from "./relay.ts";
import { keepResuming } from "./resume.ts";
import { keepRetention } from "./retention.ts";
import { createWebhookCalls } from "./webhooks/call.ts";
import { keepWebhooks } from "./webhooks/keep-webhooks.ts";

/** How long a reading of a queue is used, in ms: shorter than CROWDED_POLL_MS, so that each poll sees what dispatchers took. Relays are few, unlike gateways. */
const READ_EVERY_MS = 8;

export const role = defineRole({
  name: "relay",
  about: "publishes what is due: scheduled sends, retries, expiries, and what the watchdog finds",
  variables: relayVariables,
  async start(config, { log, metrics, stack, signal, worker, conditions, failpoint, env }) {
    const store = await openRoleStore(config, { stack, log, metrics, signal, conditions }, { hasWriterThread: true });
    const nats = stack.use(await connectNats(config, log));
    conditions.add("NATS", natsCondition(nats));
    await ensureStreams(nats, config);
    await checkMayPublish(nats, taskSubjects("any-app"));
    const publisher = createTaskPublisher(nats, log);
    const recorder = createEventRecorder({ metrics, log });
    const common = { store, worker, clock: systemClock, log, metrics: createRelayMetrics(metrics) };
    const relay = createRelay({
      ...common,
      publisher,
      queue: await createQueueLag(nats, systemClock),
      shares: createAppShares({ depths: await createQueueDepths(nats), apps: store.apps, clock: systemClock, readEveryMs: READ_EVERY_MS }),
      sendingTimes: openSendingTimes({ store, appOf: createServedApps(store.apps, systemClock), clock: systemClock }),
      steering: createSteeringReader({ steering: store.steering, clock: systemClock, log }),
      pollMs: config.RELAY_POLL_MS,
      uncertainWaitMs: {
        critical: config.UNCERTAIN_WAIT_CRITICAL_MS,
        transactional: config.UNCERTAIN_WAIT_MS,
        marketing: config.UNCERTAIN_WAIT_MS,
      },
      inDoubtRepeats: inDoubtRepeats(config.IN_DOUBT_REPEATS),
      confirmationOf,
      statusQueryFirstMs: (provider) => PROVIDERS.find(({ name }) => name === provider)?.statusQuery?.firstMs,
      watchdogFirstMs: config.WATCHDOG_FIRST_MS,
      failpoint,
      random: Math.random,
      recorder,
    });
    const job = { ...common, signal };
    const measuring = measureOutbox(store.notifications, { ...job, report: (due) => reportOutbox(nats, due) });
    const counting = measureOpen(job);
    const retaining = keepRetention({
      ...job,
      retention: readRetention(config),
      historyMs: readHistoryRetention(config),
      budgetMs: config.RETENTION_BUDGET_MS,
    });
    const resuming = keepResuming({ ...job, recorder });
    const signer = stack.use(watchWebhookSigner({ config, env, log }));
    const addressFilter = createAddressFilter(config.WEBHOOK_ALLOWED_ADDRESSES);
    const telling = keepWebhooks({
      ...job,
      signer,
      openCalls: () => createWebhookCalls(addressFilter, systemClock),
      random: Math.random,
    });
    const running = relay.run(signal);
    return {
      async drained() {
        await Promise.all([running, measuring, counting, retaining, telling, resuming]);
      },
    };
  },
});

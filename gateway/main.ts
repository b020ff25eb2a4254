import { createEventRecorder } from "../adapters/event-recorder.ts";
import { createAppShares } from "../adapters/nats/app-shares.ts";
import { connectNats, natsCondition } from "../adapters/nats/connect.ts";
import { checkMayPublish } from "../adapters/nats/permissions.ts";
import { createTaskPublisher } from "../adapters/nats/publish.ts";
import { createQueueDepths } from "../adapters/nats/queue-depth.ts";
import { ensureStreams } from "../adapters/nats/streams.ts";
import { openOptOuts } from "../adapters/opt-outs/open-opt-outs.ts";
import { createPreferencesClient } from "../adapters/preferences/preferences-client.ts";
import { createAppRates } from "../adapters/redis/app-rates.ts";
import { connectRedis, redisCondition } from "../adapters/redis/connect.ts";
import { createDayCounters } from "../adapters/redis/day-counters.ts";
import { createGatewayPeers } from "../adapters/redis/gateway-peers.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { taskSubjects } from "../core/delivery/subjects.ts";
import { BlobServiceService } from "../gen/carillon/v1/blob_service.ts";
import { CategoryServiceService } from "../gen/carillon/v1/category_service.ts";
import { ContactServiceService } from "../gen/carillon/v1/contact_service.ts";
import { NotificationServiceService } from "../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../gen/carillon/v1/preference_service.ts";
import { ProfileServiceService } from "../gen/carillon/v1/profile_service.ts";
import { systemClock } from "../runtime/clock.ts";
import { startConnectServer } from "../runtime/connect/server.ts";
import { createCallLimit } from "../runtime/grpc/call-limit.ts";
import { BATCH_BYTES_MAX } from "../runtime/grpc/limits.ts";
import { rejectionCounter } from "../runtime/grpc/rejections.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { startGrpcServer } from "../runtime/grpc/server.ts";
import { createSharedLimits } from "../runtime/grpc/shared-limits.ts";
import { hostPortText, reachable } from "../runtime/host-port.ts";
import type { HttpRejection } from "../runtime/http/rejections.ts";
import { watchInternalTokens } from "../runtime/internal-tokens.ts";
import { callSeconds } from "../runtime/metrics.ts";
import { defineRole } from "../runtime/run.ts";
import { internalTls, openCertificates, warnOfPlainText } from "../runtime/tls/grpc-tls.ts";
import { createAccept } from "./accept.ts";
import { createApiKeys } from "./api-keys.ts";
import { apiDocuments } from "./api-page/documents.ts";
import { createAppOpen } from "./app-open.ts";
import { createAuthenticate } from "./auth.ts";
import { createBlobHandlers, PUT_BLOB, PUT_BLOB_MESSAGE_BYTES_MAX } from "./blob-handlers.ts";
import { createCallRate } from "./call-rate.ts";
import { createCategoryHandlers } from "./category-handlers.ts";
import { GATEWAY_TLS, gatewayVariables, quotaDefaults, smsPrefixes } from "./config.ts";
import { createContactHandlers } from "./contact-handlers.ts";
import { createChoices } from "./erasure/create-choices.ts";
import { openErasure } from "./erasure/open-erasure.ts";
import { createLoad } from "./load.ts";
import { createGatewayMetrics } from "./metrics.ts";
import { createNotificationHandlers } from "./notification-handlers.ts";
import { createPreferenceForwardHandlers } from "./preference-handlers.ts";
import { createProfileHandlers } from "./profile-handlers.ts";
import { createQuotas } from "./quotas.ts";

/** What the gateway does while Redis is away. */
const WITHOUT_REDIS_OPT_OUTS = "opt-outs are read from the store";
const WITHOUT_REDIS = "each gateway keeps apps to its share of their limits, by the number of gateways last seen";

const PLAIN_TEXT = "callers are served plain text: whoever can read it gets API keys and content";

export const role = defineRole({
  name: "gateway",
  about: "accepts notifications over gRPC and HTTP/JSON: validates, stores, publishes, answers",
  variables: gatewayVariables,
  async start(config, { log, metrics, httpRejections, stack, signal, tracer, env, conditions, failpoint }) {
    const clock = systemClock;
    const [tls, ours] = [openCertificates(config, GATEWAY_TLS, log), internalTls(config, log, config.PREFERENCES_ADDRESS)];
    if (!tls) warnOfPlainText(log, config.GATEWAY_LISTEN, PLAIN_TEXT);
    const store = await openRoleStore(config, { stack, log, metrics, signal, conditions }, { hasWriterThread: true });
    const nats = stack.use(await connectNats(config, log));
    conditions.add("NATS", natsCondition(nats));
    await ensureStreams(nats, config);
    await checkMayPublish(nats, taskSubjects("any-app"));
    const tokens = stack.use(watchInternalTokens({ config, env, log }));
    const optOuts = await openOptOuts(config, {
      store,
      tokens,
      tls: ours,
      clock,
      log,
      signal,
      stack,
      withoutRedis: WITHOUT_REDIS_OPT_OUTS,
    });
    const preferences = stack.use(createPreferencesClient({ address: config.PREFERENCES_ADDRESS, tokens, tls: ours }));
    const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, withoutIt: WITHOUT_REDIS }));
    conditions.add("Redis", redisCondition(redis));
    const peers = createGatewayPeers(redis, clock);
    const load = createLoad(store.notifications, config.OPEN_NOTIFICATIONS_MAX, { clock, log, read: peers.read });
    const open = createAppOpen(store.notifications, { clock, log, read: peers.read });
    const measuring = [peers.run(signal), load.run(signal), open.run(signal)];
    const callRate = createCallRate({
      rates: createAppRates(redis, { clock, pods: peers.count, counter: "app-calls" }),
      limit: { ratePerSecond: config.APP_CALLS_PER_SECOND, burst: config.APP_CALLS_BURST },
      ...{ clock, log },
    });
    const quotas = createQuotas({
      rates: createAppRates(redis, { clock, pods: peers.count }),
      days: createDayCounters(redis, { clock, pods: peers.count }),
      ...{ open, clock, defaults: quotaDefaults(config) },
    });
    const keys = createApiKeys({ apps: store.apps, cacheMs: config.KEY_CACHE_MS, clock, log });
    const readingKeys = keys.run(signal);
    const calls = { log, authenticate: createAuthenticate(keys), tracer, seconds: callSeconds(metrics) };
    const recorder = createEventRecorder({ metrics, log });
    const accepting = createAccept({
      ...{ store, optOuts, load, quotas, clock, log },
      publisher: createTaskPublisher(nats, log),
      shares: createAppShares({ depths: await createQueueDepths(nats), apps: store.apps, clock }),
      failpoint,
      watchdogFirstMs: config.WATCHDOG_FIRST_MS,
      pushHosts: config.WEBPUSH_HOSTS,
      smsPrefixes: smsPrefixes(config),
      smsSenders: config.SMS_SENDERS,
      emailFrom: config.EMAIL_FROM_APPS,
      channelsServed: config.CHANNELS_SERVED,
      insertsWaitingMax: config.INSERTS_WAITING_MAX,
      metrics: createGatewayMetrics(metrics),
      recorder,
    });
    const erasing = openErasure(config.ERASURE_KEY_FILE, {
      ...{ store, clock, log },
      recorder,
      choices: createChoices(preferences, optOuts.forget),
    });
    const contacts = createContactHandlers({
      tombstones: erasing.tombstones,
      contacts: store.contacts,
      pushHosts: config.WEBPUSH_HOSTS,
      smsPrefixes: smsPrefixes(config),
      clock,
    });
    await keys.whenRead();
    const services = [
      serveHandlers(
        NotificationServiceService,
        callRate.notifications(createNotificationHandlers(accepting, { store, recorder, clock, log, tokens })),
        {
          ...calls,
          messageBytesMax: { batchSendNotifications: BATCH_BYTES_MAX },
          itemsOf: { batchSendNotifications: "notifications" },
        },
      ),
      serveHandlers(BlobServiceService, callRate.blobs(createBlobHandlers({ blobs: store.blobs, clock, log })), {
        ...calls,
        messageBytesMax: { putBlob: PUT_BLOB_MESSAGE_BYTES_MAX },
        uploads: { putBlob: PUT_BLOB },
      }),
      serveHandlers(ContactServiceService, callRate.contacts(contacts), calls),
      serveHandlers(
        PreferenceServiceService,
        callRate.preferences(createPreferenceForwardHandlers(preferences, clock, optOuts.forget, erasing.tombstones)),
        calls,
      ),
      serveHandlers(CategoryServiceService, callRate.categories(createCategoryHandlers({ apps: store.apps, log })), calls),
      serveHandlers(
        ProfileServiceService,
        callRate.profiles({ ...createProfileHandlers({ profiles: store.profiles, clock }), ...erasing.handlers }),
        calls,
      ),
    ];
    const shared = createSharedLimits(services, { calls: createCallLimit({ clock }) });
    // At the same time, because each may need all the time that a shutdown has.
    const listeners: AsyncDisposable[] = [];
    stack.defer(async () => void (await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()))));
    const server = await startGrpcServer({
      address: config.GATEWAY_LISTEN,
      services,
      shared,
      reflection: config.GATEWAY_REFLECTION,
      rejected: rejectionCounter(metrics),
      log,
      tls,
    });
    listeners.push(server);
    const addresses: Record<string, string> = { grpc: server.address };
    if (config.GATEWAY_HTTP_LISTEN !== undefined) {
      const { host, port } = config.GATEWAY_HTTP_LISTEN;
      const onRejected = (reason: HttpRejection, peer: string | undefined) => httpRejections("http-json", reason, peer);
      if (!tls) warnOfPlainText(log, hostPortText(host, port), PLAIN_TEXT);
      const json = await startConnectServer({ host, port, services, shared, documents: apiDocuments(), tls, log, onRejected });
      listeners.push(json);
      json.serveUntil(signal);
      addresses["http-json"] = reachable(host, json.port);
    }
    server.serveUntil(signal);
    return {
      addresses,
      async drained() {
        await Promise.all([...measuring, readingKeys]);
        await accepting.published();
      },
    };
  },
});

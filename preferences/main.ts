import { createPreferences } from "../adapters/opt-outs/preferences.ts";
import { createPageLinks } from "../adapters/page-links.ts";
import { connectRedis, redisCondition } from "../adapters/redis/connect.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { requireLinks, watchUnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import { PreferenceServiceService } from "../gen/carillon/v1/preference_service.ts";
import { systemClock } from "../runtime/clock.ts";
import { authenticateInternal } from "../runtime/grpc/internal-call.ts";
import { rejectionCounter } from "../runtime/grpc/rejections.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { startGrpcServer } from "../runtime/grpc/server.ts";
import { watchInternalTokens } from "../runtime/internal-tokens.ts";
import { callSeconds } from "../runtime/metrics.ts";
import { defineRole } from "../runtime/run.ts";
import { internalTls } from "../runtime/tls/grpc-tls.ts";
import { preferencesVariables } from "./config.ts";
import { createLinkOf } from "./link-of.ts";
import { createPreferenceHandlers } from "./preference-handlers.ts";

export const role = defineRole({
  name: "preferences",
  about: "keeps the opt-outs, and checks them for the gateway and the dispatchers",
  variables: preferencesVariables,
  async start(config, { log, metrics, stack, signal, tracer, env, conditions }) {
    requireLinks(config);
    const tls = internalTls(config, log, config.PREFERENCES_LISTEN);
    const store = await openRoleStore(config, { stack, log, metrics, signal, conditions });
    const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE }));
    conditions.add("Redis", redisCondition(redis));
    const { apps, profiles } = store;
    const preferences = stack.use(createPreferences({ store: store.preferences, apps, profiles, redis, clock: systemClock, log }));
    const tokens = stack.use(watchInternalTokens({ config, env, log }));
    const calls = { log, authenticate: authenticateInternal(tokens), tracer, seconds: callSeconds(metrics) };
    const links = stack.use(watchUnsubscribeLinks({ config, env, log }));
    const linkOf = createLinkOf(createPageLinks(links.keys), config.FEEDBACK_URL, systemClock);
    const services = [serveHandlers(PreferenceServiceService, createPreferenceHandlers(preferences, linkOf), calls)];
    const server = stack.use(
      await startGrpcServer({
        address: config.PREFERENCES_LISTEN,
        services,
        reflection: false,
        rejected: rejectionCounter(metrics),
        log,
        tls,
      }),
    );
    server.serveUntil(signal);
    return { addresses: { grpc: server.address } };
  },
});

import { createEventRecorder } from "../adapters/event-recorder.ts";
import { createPreferences } from "../adapters/opt-outs/preferences.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { systemClock } from "../runtime/clock.ts";
import { reachable } from "../runtime/http/reachable.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { type LmtpRejection, startLmtpServer } from "../runtime/lmtp/server.ts";
import { defineRole } from "../runtime/run.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import { watchFeedbackAccounts } from "./accounts.ts";
import { createReceipts } from "./apply.ts";
import { createBounces } from "./bounces.ts";
import { feedbackVariables, requireBounces, requireUrl, WEBHOOKS } from "./config.ts";
import { createInboundTexts } from "./inbound-texts.ts";
import { createLearn } from "./learn.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createFeedbackRoutes } from "./routes.ts";

const WITHOUT_REDIS = "what people refuse is stored, and takes effect with the next sweep of those who send";
/** Subjects: it changes preferences and hardly reads them. */
const CACHED_MAX = 1_000;

export const role = defineRole({
  name: "feedback",
  about: "receives the providers' signed webhooks, people's texts and bounces, and records receipts of attempts and what people refuse",
  variables: feedbackVariables,
  async start(config, { log, metrics: registry, httpRejections, stack, signal, worker, env, failpoint }) {
    requireUrl(config);
    requireBounces(config);
    const { host, port } = config.FEEDBACK_LISTEN;
    const clock = systemClock;
    const store = await openRoleStore(config, { stack, log, metrics: registry, signal });
    const metrics = createFeedbackMetrics(registry);
    const recorder = createEventRecorder({ metrics: registry, log });
    const redis = stack.use(await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, withoutIt: WITHOUT_REDIS }));
    // Refusals are written as the preferences service does it: to Redis before the store.
    const preferences = stack.use(
      createPreferences({
        store: store.preferences,
        apps: store.apps,
        profiles: store.profiles,
        redis,
        clock,
        log,
        rebuilds: false,
        cachedMax: CACHED_MAX,
      }),
    );
    const learn = createLearn({ preferences, metrics });
    const { apply } = createReceipts({ store, recorder, clock, log, worker, failpoint, metrics, learn });
    const texts = createInboundTexts({ apps: store.apps, preferences, clock, log, metrics });
    const accounts = stack.use(watchFeedbackAccounts({ config, env, log }));
    // Port 0 in FEEDBACK_URL stands for the port listened on.
    let listening = port;
    const publicUrl = () => config.FEEDBACK_URL.replace(/:0(?=\/|$)/, `:${listening}`);
    const readers = WEBHOOKS.map(({ reader }) => reader);
    const routes = createFeedbackRoutes({ readers, keyOf: accounts.keyOf, publicUrl, apply, takeText: texts.take, clock, log, metrics });
    const server = stack.use(
      await startHttpServer({
        host,
        port,
        ready: () => !signal.aborted,
        log,
        routes,
        onRejected: (reason, peer) => httpRejections("webhooks", reason, peer),
      }),
    );
    listening = server.port;
    const addresses: Record<string, string> = { webhooks: reachable(host, server.port) };
    if (config.FEEDBACK_LMTP_LISTEN !== undefined) {
      const bounces = createBounces({ accounts: accounts.bounces, apply, clock, log, metrics });
      const rejected = createSampledLog<LmtpRejection>(log, "the LMTP listener rejects");
      const onRejected = (reason: LmtpRejection, peer: string) => {
        metrics.lmtpRejections.inc({ reason });
        rejected(reason, { peer });
      };
      const lmtp = stack.use(await startLmtpServer({ ...config.FEEDBACK_LMTP_LISTEN, ...bounces, log, onRejected }));
      addresses.lmtp = reachable(config.FEEDBACK_LMTP_LISTEN.host, lmtp.port);
    }
    return { addresses };
  },
});

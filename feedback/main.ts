import { createEventRecorder } from "../adapters/event-recorder.ts";
import { openPreferences } from "../adapters/opt-outs/open-preferences.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { watchUnsubscribeLinks } from "../adapters/unsubscribe-links.ts";
import { systemClock } from "../runtime/clock.ts";
import { reachable } from "../runtime/host-port.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { type LmtpRejection, startLmtpServer } from "../runtime/lmtp/server.ts";
import { defineRole } from "../runtime/run.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import { watchFeedbackAccounts } from "./accounts.ts";
import { createReceipts } from "./apply.ts";
import { createBounces } from "./bounces.ts";
import { checkAccount, feedbackVariables, requireBounces, requireUrl, WEBHOOKS } from "./config.ts";
import { createInboundTexts } from "./inbound-texts.ts";
import { createLearn } from "./learn.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createRecipientRoutes } from "./recipient-routes.ts";
import { createReplies } from "./replies.ts";
import { basesOf, createFeedbackRoutes } from "./routes.ts";

export const role = defineRole({
  name: "feedback",
  about:
    "receives the providers' signed webhooks, people's texts and bounces, records receipts of attempts and what people refuse, and serves the links by which they unsubscribe",
  variables: feedbackVariables,
  async start(config, { log, metrics: registry, httpRejections, stack, signal, worker, env, conditions, failpoint }) {
    requireUrl(config);
    checkAccount(config);
    requireBounces(config);
    const { host, port } = config.FEEDBACK_LISTEN;
    const clock = systemClock;
    const store = await openRoleStore(config, { stack, log, metrics: registry, signal, conditions });
    const metrics = createFeedbackMetrics(registry);
    const recorder = createEventRecorder({ metrics: registry, log });
    const preferences = await openPreferences(config, { store, clock, log, stack });
    const learn = createLearn({ preferences, metrics });
    const { apply } = createReceipts({ store, recorder, clock, log, worker, failpoint, metrics, learn });
    const texts = createInboundTexts({ apps: store.apps, preferences, clock, log, metrics });
    const replies = createReplies({ caps: store.caps, isRefused: texts.isRefused, clock, log, metrics });
    stack.defer(replies.settled);
    const accounts = stack.use(watchFeedbackAccounts({ config, env, log }));
    // Port 0 in FEEDBACK_URL stands for the port listened on.
    let listening = port;
    const publicUrl = () => config.FEEDBACK_URL.replace(/:0(?=\/|$)/, `:${listening}`);
    const readers = WEBHOOKS.map(({ reader }) => reader);
    const links = stack.use(watchUnsubscribeLinks({ config, env, log }));
    const routes = [
      ...createFeedbackRoutes({
        readers,
        keyOf: accounts.keyOf,
        publicUrl,
        apply,
        takeText: texts.take,
        reply: replies.begin,
        clock,
        log,
        metrics,
      }),
      ...createRecipientRoutes({ links, preferences, store, clock, metrics }, basesOf(publicUrl())),
    ];
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

import { createEventRecorder } from "../adapters/event-recorder.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import { PROVIDERS } from "../providers/list.ts";
import { watchAccounts } from "../providers/watch-accounts.ts";
import { systemClock } from "../runtime/clock.ts";
import { ConfigError, type Values } from "../runtime/config.ts";
import { reachable } from "../runtime/http/reachable.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { defineRole } from "../runtime/run.ts";
import { watchConfig } from "../runtime/watch-config.ts";
import { createReceipts } from "./apply.ts";
import { feedbackVariables, requireUrl, WEBHOOKS, webhookVariables } from "./config.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createFeedbackRoutes, type WebhookKey } from "./routes.ts";

export const role = defineRole({
  name: "feedback",
  about: "receives the providers' signed webhooks and records them as receipts of attempts",
  variables: feedbackVariables,
  async start(config, { log, metrics: registry, httpRejections, stack, signal, worker, env, failpoint }) {
    requireUrl(config);
    const { host, port } = config.FEEDBACK_LISTEN;
    const clock = systemClock;
    const store = await openRoleStore(config, { stack, log, metrics: registry, signal });
    const metrics = createFeedbackMetrics(registry);
    const receipts = createReceipts({
      store,
      recorder: createEventRecorder({ metrics: registry, log }),
      clock,
      log,
      worker,
      failpoint,
      metrics,
    });
    let current: Values<typeof webhookVariables> = config;
    const start = current;
    const take = (changed: typeof current) => {
      current = changed;
    };
    stack.use(watchConfig({ variables: webhookVariables, env, start, take, log }));
    const others = new Map<string, Values<typeof webhookVariables>>();
    stack.use(
      watchAccounts({
        ...{ directory: config.PROVIDER_ACCOUNTS_DIR, definitions: PROVIDERS.filter(({ webhook }) => webhook), env, log },
        variablesOf: ({ webhook }) => webhook?.variables ?? {},
        requiresOf: () => [],
        take({ provider, account }, values) {
          const webhook = WEBHOOKS.find(({ name }) => name === provider);
          const secret = webhook && values ? String(values[webhook.secret]) : "";
          if (secret !== "" && webhook?.coversUrl && config.FEEDBACK_URL === "")
            throw new ConfigError([`FEEDBACK_URL: must be set, because ${webhook.secret} of account ${provider}/${account} is`]);
          if (secret === "") others.delete(`${provider}/${account}`);
          else if (values) others.set(`${provider}/${account}`, values);
        },
      }),
    );
    const keyOf = (provider: string, account: string): WebhookKey | undefined => {
      const webhook = WEBHOOKS.find(({ name }) => name === provider);
      const settings = account === DEFAULT_ACCOUNT ? current : others.get(`${provider}/${account}`);
      const secret = webhook && settings ? String(settings[webhook.secret]) : "";
      return settings && secret !== "" ? { secret, settings } : undefined;
    };
    // Port 0 in FEEDBACK_URL stands for the port listened on.
    let listening = port;
    const publicUrl = () => config.FEEDBACK_URL.replace(/:0(?=\/|$)/, `:${listening}`);
    const routes = createFeedbackRoutes({
      readers: WEBHOOKS.map(({ reader }) => reader),
      keyOf,
      publicUrl,
      apply: receipts.apply,
      clock,
      log,
      metrics,
    });
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
    return { addresses: { webhooks: reachable(host, server.port) } };
  },
});

import { openRoleStore } from "../adapters/store/store-config.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Values } from "../runtime/config.ts";
import { reachable } from "../runtime/http/reachable.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { defineRole } from "../runtime/run.ts";
import { watchConfig } from "../runtime/watch-config.ts";
import { createReceipts } from "./apply.ts";
import { feedbackVariables, requireUrl, WEBHOOKS, webhookVariables } from "./config.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createFeedbackRoutes } from "./routes.ts";

export const role = defineRole({
  name: "feedback",
  about: "takes the providers' signed webhooks and records what they tell of attempts",
  variables: feedbackVariables,
  async start(config, { log, metrics: registry, stack, signal, worker, env, failpoint }) {
    requireUrl(config);
    const { host, port } = config.FEEDBACK_LISTEN;
    const clock = systemClock;
    const store = await openRoleStore(config, { stack, log, metrics: registry, signal });
    const metrics = createFeedbackMetrics(registry);
    const receipts = createReceipts({ store, clock, log, worker, failpoint, metrics });
    let current: Values<typeof webhookVariables> = config;
    const start = current;
    const take = (changed: typeof current) => {
      current = changed;
    };
    stack.use(watchConfig({ variables: webhookVariables, env, start, take, log }));
    const served = WEBHOOKS.map(({ reader, secret }) => ({ reader, secret: () => String(current[secret]) })).filter(
      (w) => w.secret() !== "",
    );
    // Where the URL names port 0, it is the one that was free.
    let listening = port;
    const publicUrl = () => config.FEEDBACK_URL.replace(/:0(?=\/|$)/, `:${listening}`);
    const routes = createFeedbackRoutes({ served, publicUrl, apply: receipts.apply, clock, log, metrics });
    const server = stack.use(await startHttpServer({ host, port, ready: () => !signal.aborted, log, routes }));
    listening = server.port;
    return { addresses: { webhooks: reachable(host, server.port) } };
  },
});

import { createEventRecorder } from "../adapters/event-recorder.ts";
import { watchNats } from "../adapters/nats/watch-nats.ts";
import { openPreferences } from "../adapters/opt-outs/open-preferences.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { createSharedCircuits } from "../adapters/redis/shared-circuits.ts";
import { openRoleStore } from "../adapters/store/store-config.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { PROVIDERS } from "../providers/list.ts";
import { systemClock } from "../runtime/clock.ts";
import { reachable } from "../runtime/host-port.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { watchTokens } from "../runtime/internal-tokens.ts";
import { defineRole, type Role } from "../runtime/run.ts";
import { createRedrives } from "./api/redrives.ts";
import { createAuth } from "./auth/auth.ts";
import { requireAuth, sessionKeyVariables } from "./auth/config.ts";
import { createReferences, referenceKeyVariables } from "./auth/references.ts";
import { ROUTE_ROLES } from "./auth/route-roles.ts";
import { consoleVariables } from "./config.ts";
import { createApiRoutes, createPageRoutes, notFound } from "./routes.ts";

const WITHOUT_REDIS = "circuits are not shown, and an opt-out that is recorded here takes effect with the next sweep of those who send";

/** @param showLink shows a one-time link where only the person at this machine sees it */
export const consoleRole = (showLink: (url: string) => void): Role =>
  defineRole({
    name: "console",
    about: "serves the pages on which people see what waits and why, find notifications, and steer",
    variables: consoleVariables,
    async start(config, { log, metrics, httpRejections, stack, signal, env, conditions }) {
      const { host, port } = config.CONSOLE_LISTEN;
      requireAuth(config, host);
      const clock = systemClock;
      const store = await openRoleStore(config, { stack, log, metrics, signal, conditions });
      const recorder = createEventRecorder({ metrics, log });
      const keysNow = stack.use(watchTokens(sessionKeyVariables, config, { env, log }));
      const ownKeys = stack.use(watchTokens(referenceKeyVariables, config, { env, log }));
      const references = createReferences({ own: ownKeys, sessions: keysNow });
      let listening = port;
      const url = () => config.CONSOLE_URL || `http://${reachable(host, listening)}`;
      const show = (path: string) => showLink(`${url()}${path}`);
      const auth = createAuth({ config, clock, log, keysNow, references, roles: ROUTE_ROLES, printLink: show });
      const redis = stack.use(
        await connectRedis(config.REDIS_URL, { log, password: config.REDIS_PASSWORD_FILE, withoutIt: WITHOUT_REDIS }),
      );
      const nats = stack.use(watchNats(config, { log, clock }));
      conditions.add("NATS", () =>
        nats.isConnected() === true ? { holds: true, words: "connected" } : { holds: false, words: "not connected: it is only looked at" },
      );
      const preferences = await openPreferences(config, { store, clock, log, stack, redis });
      const circuits = (channel: Channel) => createSharedCircuits(redis, channel);
      const redrives = createRedrives({ store, recorder, clock, log, signal });
      const parts = { store, clock, recorder, redrives, preferences, references, log, providers: PROVIDERS, circuits, nats };
      const routes = [...createPageRoutes(), ...auth.routes, ...auth.protect(createApiRoutes(parts))];
      const server = stack.use(
        await startHttpServer({
          ...{ host, port, log, routes, notFound },
          ready: () => !signal.aborted,
          onRejected: (reason, peer) => httpRejections("console", reason, peer),
        }),
      );
      listening = server.port;
      const link = auth.newLink();
      if (link !== undefined) show(link);
      return { addresses: { console: reachable(host, server.port) }, drained: redrives.settled };
    },
  });

/** The terminal alone shows a link: it is no line of the log, which may be kept where others read it. */
export const role = consoleRole(
  (url) => void process.stderr.write(`Sign in to the console: ${url}\nThe link works once, within 5 minutes.\n`),
);

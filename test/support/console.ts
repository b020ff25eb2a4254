import { natsVariables } from "../../adapters/nats/connect.ts";
import { watchNats } from "../../adapters/nats/watch-nats.ts";
import { createPreferences } from "../../adapters/opt-outs/preferences.ts";
import { connectRedis } from "../../adapters/redis/connect.ts";
import { createSharedCircuits } from "../../adapters/redis/shared-circuits.ts";
import { createRedrives } from "../../console/api/redrives.ts";
import { json, protectRoutes, type SessionRoute } from "../../console/auth/protect.ts";
import { createReferences } from "../../console/auth/references.ts";
import { ROUTE_ROLES } from "../../console/auth/route-roles.ts";
import { type ConsoleParts, createApiRoutes, createPageRoutes, notFound } from "../../console/routes.ts";
import type { Session } from "../../console/session.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Store } from "../../core/ports/store.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { type HttpServer, startHttpServer } from "../../runtime/http/server.ts";
import { createLogger } from "../../runtime/logger.ts";

export interface TestConsole extends HttpServer {
  url: string;
}

/**
 * The console's pages and API over a store, for one person who is signed in. Roles, Origin and content types are checked as in production.
 * @param about.redisUrl where dispatchers share their circuits; absent: nowhere that the console can read
 * @param about.natsUrl what it looks at; absent: it does not know of NATS
 */
export async function startTestConsole(
  store: Store,
  session: Session,
  about: Partial<Pick<ConsoleParts, "preferences" | "log" | "circuits">> & {
    redisUrl?: string | undefined;
    natsUrl?: string | undefined;
  } = {},
): Promise<TestConsole> {
  await using stack = new AsyncDisposableStack();
  const log = createLogger("console", "error");
  const recorder = { record() {} };
  const redrives = createRedrives({ store, recorder, clock: systemClock, log, signal: new AbortController().signal });
  const { apps, profiles } = store;
  const preferences =
    about.preferences ?? createPreferences({ store: store.preferences, apps, profiles, redis: undefined, clock: systemClock, log });
  const redis = about.redisUrl === undefined ? undefined : stack.use(await connectRedis(about.redisUrl, { log }));
  const none = { read: async () => undefined };
  const circuits = about.circuits ?? ((channel: Channel) => (redis ? createSharedCircuits(redis, channel) : none));
  const nats: ConsoleParts["nats"] =
    about.natsUrl === undefined
      ? { isConnected: () => undefined }
      : stack.use(watchNats(readConfig(natsVariables, { NATS_URL: about.natsUrl }), { log, clock: systemClock }));
  const parts: ConsoleParts = {
    ...{ store, clock: systemClock, recorder, redrives, preferences, log: about.log ?? log },
    references: createReferences({ own: () => ["a key of the tests' console"], sessions: () => [] }),
    ...{ providers: PROVIDERS, circuits, nats },
  };
  const whoAmI: SessionRoute = { method: "GET", path: "/api/session", handle: async (_, who) => json(who) };
  const sessions = { open: () => ({ ...session, renewal: undefined }) };
  const api = protectRoutes([whoAmI, ...createApiRoutes(parts)], { sessions, roles: ROUTE_ROLES, publicUrl: "" });
  const routes = [...createPageRoutes(), ...api];
  const server = stack.use(await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, routes, notFound }));
  const kept = stack.move();
  return { port: server.port, url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

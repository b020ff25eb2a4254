import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import { consoleRole } from "../../console/main.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { PROVIDERS } from "../../providers/list.ts";
import type { Environment } from "../../runtime/config.ts";
import type { Role, RunningRole } from "../../runtime/run.ts";
import { readOrMake } from "../../sandbox/kit/files.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { loadRoles } from "../roles.ts";
import { openInboxSender } from "./inbox-sender.ts";
import { isFreePort, startLocalNats, startLocalRedis } from "./local-servers.ts";

/** The default app of the development system, with every channel. */
export const DEV_APP = "demo";

/** The whole system in one process, against the sandbox. Disposal drains it and stops every server it started. */
export interface DevSystem extends AsyncDisposable {
  gatewayAddress: string;
  /** http://host:port of the same gateway's HTTP/JSON; empty: GATEWAY_HTTP_LISTEN turns it off. */
  httpUrl: string;
  /** http://host:port of the console. */
  consoleUrl: string;
  apiKey: string;
  storeUrl: string;
  natsUrl: string;
  redisUrl: string;
  sandbox: Sandbox;
  roles: readonly RunningRole[];
  /** The variables that every role was started with. */
  env: Environment;
}

export interface DevOptions {
  /** Data, logs and credentials live here. */
  directory: string;
  /** Overrides what is set up here; NATS_URL, REDIS_URL and STORE_URL name servers to use instead of starting them. */
  env: Environment;
  /** Its id; default DEV_APP. Notifications of the same app and key have the same id, also across stores that share a NATS. */
  app?: string;
  /** The gateway's, if it is free and GATEWAY_LISTEN is not set; otherwise any free port. */
  gatewayPort?: number;
  /** Of its HTTP/JSON, in the same way. */
  httpPort?: number;
  /** Of the console, in the same way. */
  consolePort?: number;
  /** Called with each one-time link to the console: at the start, and when its page is asked for another. */
  onConsoleLink?(url: string): void;
  /** Called as each part is up, with what is said of it. */
  onStart?(words: string): void;
}

export async function startDev({
  directory,
  env,
  app = DEV_APP,
  gatewayPort = 0,
  httpPort = 0,
  consolePort = 0,
  onConsoleLink = () => {},
  onStart = () => {},
}: DevOptions): Promise<DevSystem> {
  mkdirSync(directory, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const given = (name: string) => env[name] || undefined;

  const uses = (title: string, variable: string) => {
    const url = given(variable);
    if (url !== undefined) onStart(`uses ${title} at ${withoutPassword(url)} (${variable})`);
    return url;
  };
  const startServer = async (title: string, start: typeof startLocalNats) => {
    const { url } = stack.use(await start({ directory: join(directory, title.toLowerCase()) }));
    onStart(`started ${title}`);
    return url;
  };
  const natsUrl = uses("NATS", "NATS_URL") ?? (await startServer("NATS", startLocalNats));
  const redisUrl = uses("Redis", "REDIS_URL") ?? (await startServer("Redis", startLocalRedis));
  const sandbox = stack.use(await startSandbox({ directory: join(directory, "sandbox") }));
  onStart("started sandbox");

  const storeUrl = uses("the store", "STORE_URL") ?? `sqlite:${join(directory, "carillon.sqlite")}`;
  const apiKey = await createDevKey(storeUrl, app);
  const token = join(directory, "internal-token");
  writeFileSync(token, randomKey(), { mode: 0o600 });
  const keptKey = (name: string) => {
    const path = join(directory, name);
    readOrMake(path, randomKey);
    return path;
  };
  const local = async (port: number) => `127.0.0.1:${(await isFreePort(port)) ? port : 0}`;
  const shared: Environment = {
    LOG_LEVEL: "warn",
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: "0",
    ...sandbox.env,
    GATEWAY_LISTEN: await local(gatewayPort),
    GATEWAY_HTTP_LISTEN: await local(httpPort),
    CONSOLE_LISTEN: await local(consolePort),
    FEEDBACK_LISTEN: "127.0.0.1:0",
    FEEDBACK_LMTP_LISTEN: "127.0.0.1:0",
    AUTOSCALER_LISTEN: "127.0.0.1:0",
    FEEDBACK_URL: "http://127.0.0.1:0",
    // Kept from one start to the next: links in sent mails are sealed with the first, secrets in the store with the second, who was erased is hashed with the
    // third, and the fourth names people in logs.
    UNSUBSCRIBE_KEYS_FILE: keptKey("unsubscribe-keys"),
    WEBHOOK_KEYS_FILE: keptKey("webhook-keys"),
    ERASURE_KEY_FILE: keptKey("erasure-key"),
    CONSOLE_REFERENCE_KEYS_FILE: keptKey("console-reference-keys"),
    WEBHOOK_ALLOWED_ADDRESSES: "127.0.0.0/8,::1",
    ...env,
    STORE_URL: storeUrl,
    STORE_ALLOW_STANDALONE: "true",
    NATS_URL: natsUrl,
    REDIS_URL: redisUrl,
    INTERNAL_TOKEN_FILE: token,
    PREFERENCES_LISTEN: "127.0.0.1:0",
  };
  const roles: RunningRole[] = [];
  /** Addresses of the roles started so far, passed to the later ones. */
  const found: Record<string, string> = {};
  const own = (role: Role) => (role.name === "console" ? consoleRole(onConsoleLink) : role);
  for (const role of inStartOrder((await loadRoles()).map(own))) {
    const start = (ports: Environment = {}) => role.start({ ...shared, ...found, ...ports });
    const again = async (error: unknown) => {
      // Another program has taken a port since it was found free. An address that the environment names is not replaced.
      const chosenHere = (LISTENS[role.name] ?? []).filter((name) => env[name] === undefined);
      if (chosenHere.length === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return start(Object.fromEntries(chosenHere.map((name) => [name, "127.0.0.1:0"])));
    };
    const running = stack.use(await start().catch(again));
    if (role.name === "preferences") found.PREFERENCES_ADDRESS = running.addresses.grpc ?? "";
    if (role.name === "feedback") {
      const url = given("FEEDBACK_URL") ?? `http://${running.addresses.webhooks}`;
      sandbox.webhooks.target(`http://${running.addresses.webhooks}`);
      sandbox.bounces.target(running.addresses.lmtp && `lmtp://${running.addresses.lmtp}`);
      const callbacks = PROVIDERS.flatMap(({ name, webhook }) =>
        webhook?.urlVariable ? [[webhook.urlVariable, `${url}/${name}`] as const] : [],
      );
      Object.assign(
        found,
        { FEEDBACK_URL: url },
        Object.fromEntries(callbacks.map(([variable, own]) => [variable, given(variable) ?? own])),
      );
    }
    roles.push(running);
    onStart(`started ${role.name}`);
  }
  // Dispatchers stop before all others and at the same time, because each waits for its last pull.
  stack.defer(async () => void (await Promise.all(roles.filter(isDispatcher).map((role) => role[Symbol.asyncDispose]()))));
  const addressOf = (role: string, name: string) => roles.find((r) => r.name === role)?.addresses[name] ?? "";
  const gatewayAddress = addressOf("gateway", "grpc");
  const http = addressOf("gateway", "http-json");
  const httpUrl = http && `http://${http}`;
  const consoleUrl = `http://${addressOf("console", "console")}`;
  sandbox.inbox.connect(stack.use(openInboxSender({ storeUrl, gatewayAddress, apiKey, app })));
  const kept = stack.move();
  return {
    ...{ gatewayAddress, httpUrl, consoleUrl, apiKey, storeUrl, natsUrl, redisUrl, sandbox, roles },
    env: { ...shared, ...found },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Addresses whose ports are chosen before the role listens, by role. */
const LISTENS: Readonly<Record<string, readonly string[]>> = {
  gateway: ["GATEWAY_LISTEN", "GATEWAY_HTTP_LISTEN"],
  console: ["CONSOLE_LISTEN"],
};

/** A URL without its password, for people to read. */
export const withoutPassword = (url: string): string => url.replace(/(?<=\/\/)[^@/]*@/, "");

const randomKey = () => randomBytes(32).toString("base64url");

/** Feedback first, because links and sends name the URL at which it listens; dispatchers last, because they send. */
function inStartOrder(roles: readonly Role[]): Role[] {
  const place = (role: Role) => (role.name === "feedback" ? 0 : isDispatcher(role) ? 2 : 1);
  return roles.toSorted((a, b) => place(a) - place(b));
}

const isDispatcher = ({ name }: { name: string }) => name.startsWith("dispatcher-");

/** Keys of the development app: each start makes one, and those of the last starts stay valid. */
const DEV_KEYS = 10;

async function createDevKey(storeUrl: string, app: string): Promise<string> {
  await using store = await openStore(storeUrl);
  if (await store.apps.find(app)) await store.apps.change(app, (before) => ({ ...before!, keys: before!.keys.slice(1 - DEV_KEYS) }));
  return (await grantApiKey(store.apps, { id: app, channels: CHANNELS })).key;
}

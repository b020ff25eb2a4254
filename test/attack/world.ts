// One process of each role under the chart's memory limit, on real servers, with an ordinary caller and three apps.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import type { Store } from "../../core/ports/store.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { POD_NODE_OPTIONS } from "../support/pod-memory.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { freePort } from "../support/store-server.ts";
import { allReady, type SupervisedProcess, superviseProcess } from "../support/supervised-process.ts";

const READY_MS = 120_000;

export const ROLES = ["preferences", "gateway", "relay", "dispatcher-sms", "dispatcher-webpush", "feedback", "autoscaler"] as const;
export type RoleName = (typeof ROLES)[number];

/** A calling app: the one that must not notice, and those that misbehave. */
export interface Caller {
  app: string;
  key: string;
  clients: Clients;
}

export interface AttackWorld extends AsyncDisposable {
  directory: string;
  /** host:port of what each role serves to others; of relay and dispatchers: their health port. */
  addresses: Readonly<Record<RoleName, string>>;
  /** host:port of the gateway's HTTP/JSON. */
  httpJson: string;
  /** Where each role answers /healthz. */
  health: Readonly<Record<RoleName, string>>;
  processes: Readonly<Record<RoleName, SupervisedProcess>>;
  victim: Caller;
  attackers: readonly Caller[];
  store: Store;
  env: Readonly<Record<string, string>>;
}

export async function startAttackWorld(): Promise<AttackWorld> {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "carillon-attack-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "logs"));
  const [nats, redis, sandbox] = await Promise.all([startNats(), startRedis(), startSandbox({ directory: join(directory, "providers") })]);
  for (const part of [nats, redis, sandbox]) stack.use(part);
  const storeUrl = `sqlite:${join(directory, "carillon.sqlite")}`;
  const store = stack.use(await openStore(storeUrl));
  const tokenFile = join(directory, "internal-token");
  writeFileSync(tokenFile, randomBytes(32).toString("base64url"), { mode: 0o600 });

  const [jsonPort = 0, ...free] = await freePorts(1 + 2 * ROLES.length);
  const httpJson = `127.0.0.1:${jsonPort}`;
  const ports = Object.fromEntries(ROLES.map((role, i) => [role, free[i]!])) as Record<RoleName, number>;
  const healthPorts = free.slice(ROLES.length);
  const local = (role: RoleName) => `127.0.0.1:${ports[role]}`;
  const shared: Record<string, string> = {
    ...sandbox.env,
    ...{ STORE_URL: storeUrl, NATS_URL: nats.url, REDIS_URL: redis.url, INTERNAL_TOKEN_FILE: tokenFile, HTTP_HOST: "127.0.0.1" },
    ...{ GATEWAY_LISTEN: local("gateway"), GATEWAY_HTTP_LISTEN: httpJson },
    ...{ PREFERENCES_LISTEN: local("preferences"), PREFERENCES_ADDRESS: local("preferences") },
    ...{ FEEDBACK_LISTEN: local("feedback"), FEEDBACK_URL: `http://${local("feedback")}`, AUTOSCALER_LISTEN: local("autoscaler") },
    TWILIO_STATUS_CALLBACK_URL: `http://${local("feedback")}/twilio`,
    NODE_OPTIONS: POD_NODE_OPTIONS,
    LOG_LEVEL: "info",
  };
  // The push services of real browsers, not the sandbox's: forged push URLs imitate them.
  delete shared.WEBPUSH_HOSTS;
  sandbox.webhooks.target(shared.FEEDBACK_URL!);
  const health: Record<string, string> = {};
  const processes: Record<string, SupervisedProcess> = {};
  for (const [i, role] of ROLES.entries()) {
    const httpPort = healthPorts[i]!;
    health[role] = `http://127.0.0.1:${httpPort}/healthz`;
    const logFile = join(directory, "logs", `${role}.log`);
    const options = { name: role, role, env: { ...shared, HTTP_PORT: `${httpPort}` }, httpPort, logFile };
    processes[role] = stack.use(superviseProcess(options));
    await allReady([processes[role]], READY_MS);
  }
  const caller = async (app: string): Promise<Caller> => {
    const { key } = await grantApiKey(store.apps, { id: app });
    return { app, key, clients: stack.use(connectGateway(local("gateway"), key)) };
  };
  const victim = await caller("ordinary");
  const attackers = [await caller("greedy-1"), await caller("greedy-2"), await caller("greedy-3")];
  const addresses = Object.fromEntries(ROLES.map((role) => [role, local(role)]));
  const parts = stack.move();
  return {
    ...{ directory, victim, attackers, store, env: shared, httpJson },
    addresses: addresses as Record<RoleName, string>,
    health: health as Record<RoleName, string>,
    processes: processes as Record<RoleName, SupervisedProcess>,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** All different: a port that nothing listens on yet may be found free twice. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

// Real servers, two processes of each role, a proxy that can fail in front of each server, and the sandbox
// with its ledger, in this process.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import { findServer } from "../../cli/dev/find-server.ts";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import { ROLE_NAMES } from "../../cli/roles.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Category } from "../../core/preferences/category.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { type FaultyLine, startFaultyLine } from "../support/faulty-line.ts";
import { V8_OPTIONS } from "../support/node-arguments.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { freePort, type StoreServer, startStoreServer } from "../support/store-server.ts";
import { allReady, type SupervisedProcess, superviseProcess } from "../support/supervised-process.ts";
import { measurePace, scaled } from "./pace.ts";

export type StoreKind = "sqlite" | "mongodb";

/** Providers with a line of their own. A browser's subscription names its push service's address, so Web Push has none. */
export const LINE_PROVIDERS = ["apns", "fcm", "twilio", "vonage", "sendgrid", "mandrill"] as const;

export interface World extends AsyncDisposable {
  kind: StoreKind;
  directory: string;
  sandbox: Sandbox;
  nats: LocalServer;
  redis: LocalServer;
  /** undefined: SQLite has no server. */
  storeServer: StoreServer | undefined;
  lines: Record<
    "nats" | "redis" | "store" | "preferences" | "feedback" | "gateway1" | "gateway2" | (typeof LINE_PROVIDERS)[number],
    FaultyLine
  >;
  processes: readonly SupervisedProcess[];
  of(role: string): SupervisedProcess[];
  /** One per gateway. */
  gateways: readonly Clients[];
  /** Opened without a line, so its answers are reliable. */
  store: Store;
  /** The services' STORE_URL without the line, for operators' commands. */
  storeUrl: string;
  internalToken: string;
  /** Ends every fault and waits until everything is ready; rejects with what is not. */
  heal(): Promise<void>;
  /** Unexpected ends of our processes since the last call. */
  mishaps(): string[];
  /** Keeps the processes' logs after the end; returns their directory. */
  keepLogs(): string;
  /** Moves this process's wall clock. */
  shiftClock(name: string, ms: number): void;
  clockFile(name: string): string;
}

/** The product's waits, shortened so that a row takes seconds. A role ignores variables it does not use. */
const WAITS = {
  NATS_ACK_WAIT_MS: "5000",
  PROVIDER_DEADLINE_MS: "2000",
  UNCERTAIN_WAIT_CRITICAL_MS: "3000",
  UNCERTAIN_WAIT_MS: "8000",
  WATCHDOG_FIRST_MS: "5000",
  RELAY_POLL_MS: "100",
  DRAIN_MS: "5000",
};
/** Processes per role. */
const COPIES = 2;
const HEAL_MS = 60_000;
export const APP = "faults";
/** A category that is sent to nobody who did not consent to it. */
export const CONSENTED_CATEGORY = "deals";
/** Halves the CPU time of a start; a run starts hundreds of processes. */
const COMPILE_CACHE = join(tmpdir(), "node-compile-cache");
/** Five times a role's usual size. */
const MEMORY_BYTES_MAX = 1_000_000_000;
const SHIFTED_CLOCK = join(import.meta.dirname, "../support/shifted-clock.ts");

export async function startWorld(kind: StoreKind, say: (line: string) => void): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const began = performance.now();
  const directory = mkdtempSync(join(tmpdir(), `carillon-faults-${kind}-`));
  let kept = process.env.FAULTS_KEEP !== undefined;
  stack.defer(() => {
    if (!kept) rmSync(directory, { recursive: true, force: true });
  });
  mkdirSync(join(directory, "logs"));
  const [nats, redis, storeServer, sandbox] = await Promise.all([
    startNats(),
    startRedis(),
    kind === "mongodb" ? startStoreServer(directory) : undefined,
    startSandbox({ directory: join(directory, "providers") }),
  ]);
  for (const part of [nats, redis, ...(storeServer ? [storeServer] : []), sandbox]) stack.use(part);

  const local = (port: number) => ({ host: "127.0.0.1", port });
  const line = async (...targets: { host: string; port: number }[]) => stack.use(await startFaultyLine(targets));
  const preferencesPorts = [await freePort(), await freePort()];
  const feedbackPorts = [await freePort(), await freePort()];
  const gatewayPorts = [await freePort(), await freePort()];
  const provider = async (name: (typeof LINE_PROVIDERS)[number]) =>
    [name, await line(local(Number(new URL(sandbox.env[`${name.toUpperCase()}_ORIGIN`]!).port)))] as const;
  const lines = {
    nats: await line(local(nats.port)),
    redis: await line(local(redis.port)),
    store: await line(storeServer ? addressOf(storeServer.uri) : local(0)),
    preferences: await line(...preferencesPorts.map(local)),
    feedback: await line(...feedbackPorts.map(local)),
    gateway1: await line(local(gatewayPorts[0]!)),
    gateway2: await line(local(gatewayPorts[1]!)),
    ...Object.fromEntries(await Promise.all(LINE_PROVIDERS.map(provider))),
  } as World["lines"];

  const database = `faults_${randomBytes(4).toString("hex")}`;
  const storeUrl = storeServer ? withDatabase(storeServer.uri, database) : `sqlite:${join(directory, "carillon.sqlite")}`;
  const lineUrl = storeServer ? `${through(storeUrl, lines.store.address)}` : storeUrl;
  const store = stack.use(await openStore(storeUrl));
  const { key } = await grantApiKey(store.apps, { id: APP });
  const consented: Category = { name: CONSENTED_CATEGORY, labels: {}, default: "opted-out" };
  await store.apps.change(APP, (app) => ({ ...app!, categories: [consented] }));
  const internalToken = randomBytes(32).toString("base64url");
  const tokenFile = join(directory, "internal-token");
  writeFileSync(tokenFile, internalToken, { mode: 0o600 });

  const shared: Record<string, string> = {
    ...sandbox.env,
    ...Object.fromEntries(
      LINE_PROVIDERS.map((p) => [`${p.toUpperCase()}_ORIGIN`, moved(sandbox.env[`${p.toUpperCase()}_ORIGIN`]!, lines[p])]),
    ),
    ...WAITS,
    ...{ HTTP_HOST: "127.0.0.1", INTERNAL_TOKEN_FILE: tokenFile, CARILLON_TEST_MODE: "1", LOG_LEVEL: "info" },
    ...{ AUTOSCALER_LISTEN: "127.0.0.1:0", CONSOLE_LISTEN: "127.0.0.1:0" },
    ...{
      STORE_URL: lineUrl,
      STORE_ALLOW_STANDALONE: "true",
      NATS_URL: `nats://${lines.nats.address}`,
      REDIS_URL: `redis://${lines.redis.address}`,
    },
    ...{ PREFERENCES_ADDRESS: lines.preferences.address, DISPATCH_IN_FLIGHT: "32", NODE_COMPILE_CACHE: COMPILE_CACHE },
  };
  // Webhooks arrive through a line too: its address is the public one.
  const feedbackUrl = `http://${lines.feedback.address}`;
  sandbox.webhooks.target(feedbackUrl);
  Object.assign(shared, { FEEDBACK_URL: feedbackUrl, TWILIO_STATUS_CALLBACK_URL: `${feedbackUrl}/twilio` });
  const processes: SupervisedProcess[] = [];
  const clockFile = (name: string) => join(directory, `clock-${name}`);
  warmCompileCache();
  // preferences first, because other roles call it. One role after the other: started at once, each would take as long as all together.
  for (const role of ["preferences", ...ROLE_NAMES.filter((name) => name !== "preferences")]) {
    for (let copy = 0; copy < COPIES; copy++) {
      const name = `${role}-${copy + 1}`;
      const httpPort = await freePort();
      const env: Record<string, string> = { ...shared, HTTP_PORT: `${httpPort}`, CLOCK_OFFSET_FILE: clockFile(name) };
      env.GATEWAY_LISTEN = `127.0.0.1:${gatewayPorts[copy]}`;
      env.FEEDBACK_LISTEN = `127.0.0.1:${feedbackPorts[copy]}`;
      env.PREFERENCES_LISTEN = `127.0.0.1:${preferencesPorts[copy]}`;
      // One of each: an opt-out must be obeyed by both.
      env.OPT_OUTS_READ = copy % 2 === 0 ? "process" : "service";
      writeFileSync(clockFile(name), "0");
      const logFile = join(directory, "logs", `${name}.log`);
      processes.push(stack.use(superviseProcess({ name, role, env, httpPort, logFile, preload: [SHIFTED_CLOCK] })));
    }
    await allReady(processes, HEAL_MS);
  }
  const gateways = [lines.gateway1, lines.gateway2].map(({ address }) => stack.use(connectGateway(address, key)));
  const startedInMs = performance.now() - began;
  const pace = measurePace(startedInMs);
  say(
    `${kind}: ${processes.length} processes are up after ${Math.round(startedInMs / 1_000)} s, bounds × ${pace.toFixed(1)}; logs in ${join(directory, "logs")}`,
  );

  const memory = stack.use(watchMemory(processes));
  const world: Omit<World, typeof Symbol.asyncDispose> = {
    ...{ kind, directory, sandbox, nats, redis, storeServer, lines, processes, gateways, store, storeUrl, internalToken },
    of: (role) => processes.filter((p) => p.role === role),
    clockFile,
    shiftClock: (name, ms) => writeFileSync(clockFile(name), `${ms}`),
    mishaps: () => memory.takeKilled(),
    keepLogs() {
      kept = true;
      return join(directory, "logs");
    },
    async heal() {
      sandbox.faults.clear();
      for (const each of Object.values(lines)) each.set(undefined);
      for (const p of processes) {
        p.kill("SIGCONT");
        world.shiftClock(p.name, 0);
      }
      for (const server of [nats, redis]) {
        if (server.pid === undefined) await server.restart();
        else process.kill(server.pid, "SIGCONT");
      }
      if (storeServer?.faults) {
        if (storeServer.faults.isRunning()) storeServer.faults.resume();
        else await storeServer.faults.start();
      }
      await allReady(processes, scaled(HEAL_MS));
    },
  };
  const parts = stack.move();
  return { ...world, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function addressOf(uri: string): { host: string; port: number } {
  const [, host = "127.0.0.1", port] = /^mongodb:\/\/(?:[^@/]*@)?([^:/,]+):?(\d*)/.exec(uri) ?? [];
  return { host, port: Number(port || 27_017) };
}

/** The same URL through a line; the driver must not discover other members' addresses. */
function through(uri: string, address: string): string {
  const to = uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/, `$1${address}`);
  return to.includes("directConnection=") ? to : `${to}${to.includes("?") ? "&" : "?"}directConnection=true`;
}

/** Kills and reports a process above the memory limit, like an orchestrator. Linux only. */
function watchMemory(processes: readonly SupervisedProcess[]): Disposable & { takeKilled(): string[] } {
  let killed: string[] = [];
  const timer = setInterval(() => {
    for (const { name, pid } of processes) {
      const bytes = residentBytes(pid);
      if (pid === undefined || bytes < MEMORY_BYTES_MAX) continue;
      process.kill(pid, "SIGKILL");
      killed.push(`${name} grew to ${Math.round(bytes / 1e6)} MB and was killed`);
    }
  }, 1_000);
  return {
    takeKilled() {
      const before = killed;
      killed = [];
      return before;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function residentBytes(pid: number | undefined): number {
  try {
    return 4_096 * Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  } catch {
    return 0;
  }
}

/** Written only by a process that ends by itself. */
function warmCompileCache(): void {
  spawnSync(process.execPath, [...V8_OPTIONS, join(import.meta.dirname, "../../cli/load-all.ts")], {
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    stdio: "ignore",
  });
}

const withDatabase = (uri: string, database: string) => uri.replace(/^(mongodb:\/\/[^/?]+)\/?[^?]*/, `$1/${database}`);

function moved(origin: string, line: FaultyLine): string {
  const url = new URL(origin);
  url.port = `${line.port}`;
  return url.origin;
}

export const versionsOf = ({ kind, storeServer }: World): Record<string, string> => ({
  Node: process.versions.node,
  "nats-server": findServer("nats").version,
  "Redis or Valkey": findServer("redis").version,
  ...(kind === "sqlite" ? { SQLite: process.versions.sqlite ?? "" } : { MongoDB: storeServer?.version ?? "" }),
});

// A MongoDB server that a test may kill and pause: mongod where it is on PATH, else the stand-in of scripts/mongodb. One named by
// MONGODB_URI is not managed here: the test only connects to it.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { cacheFolder } from "../../cli/dev/find-server.ts";
import { isFreePort } from "../../cli/dev/local-servers.ts";

export interface StoreServer extends AsyncDisposable {
  readonly uri: string;
  readonly version: string;
  /** Its processes, where it runs here: those that have no other one as parent. */
  readonly pids: readonly number[];
  /** Absent where the server is not managed here. */
  readonly faults?: { kill(): Promise<void>; start(): Promise<void>; pause(): void; resume(): void; isRunning(): boolean };
}

const SCRIPT = join(import.meta.dirname, "../../scripts/mongodb");
const READY_MS = 90_000;
const READY_POLL_MS = 100;
const FIRST_PORT = 20_000;
const PORTS = 12_000;

export async function startStoreServer(directory: string): Promise<StoreServer> {
  const given = process.env.MONGODB_URI;
  if (given) return { uri: given, version: await versionOf(given, "MongoDB"), pids: [], [Symbol.asyncDispose]: async () => undefined };
  const port = await freePort();
  return spawnSync("mongod", ["--version"]).error ? startStandIn(port) : startMongod(port, directory);
}

async function startMongod(port: number, directory: string): Promise<StoreServer> {
  const uri = `mongodb://127.0.0.1:${port}/`;
  const dbpath = join(directory, "mongod");
  mkdirSync(dbpath, { recursive: true });
  const options = ["--dbpath", dbpath, "--bind_ip", "127.0.0.1", "--port", `${port}`, "--unixSocketPrefix", directory];
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    ending.kill(signal);
    await once(ending, "exit");
  };
  const start = async () => {
    child = spawn("mongod", options, { stdio: "ignore" });
    await answers(uri);
  };
  const last = () => void child?.kill("SIGKILL");
  process.once("exit", last);
  await start();
  return {
    uri,
    version: await versionOf(uri, "MongoDB"),
    get pids() {
      return child?.pid === undefined ? [] : [child.pid];
    },
    faults: {
      start,
      kill: () => end("SIGKILL"),
      pause: () => void child?.kill("SIGSTOP"),
      resume: () => void child?.kill("SIGCONT"),
      isRunning: () => child !== undefined,
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      process.off("exit", last);
    },
  };
}

async function startStandIn(port: number): Promise<StoreServer> {
  const name = `faults-${port}`;
  const script = (command: string) =>
    execFileSync(SCRIPT, [command, `${port}`, name], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  // Not execFileSync: the sandbox and the faulty lines in this process must keep running.
  const later = async (command: string) => {
    const child = spawn(SCRIPT, [command, `${port}`, name], { stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`scripts/mongodb ${command} ended with ${code}`);
  };
  const uri = `mongodb://127.0.0.1:${port}/`;
  const folder = join(cacheFolder(process.env), "mongodb");
  const pidIn = (file: string) => Number(readFileSync(join(folder, file), "utf8").split("\n", 1)[0]);
  const front = () => pidIn(`run/${port}/ferretdb.pid`);
  const signal = (what: NodeJS.Signals) => process.kill(front(), what);
  let running = true;
  const last = () => {
    try {
      signal("SIGCONT");
    } catch {
      // It is not running.
    }
    script("drop");
  };
  process.once("exit", last);
  await later("start");
  return {
    uri,
    version: `${await versionOf(uri, "wire version of MongoDB")} by the stand-in, FerretDB 2 over PostgreSQL (scripts/mongodb), which is not mongod`,
    get pids() {
      return [front(), pidIn(`root/data/${name}/postmaster.pid`)];
    },
    faults: {
      kill: async () => {
        running = false;
        await later("kill");
      },
      start: async () => {
        await later("start");
        running = true;
      },
      pause: () => signal("SIGSTOP"),
      resume: () => signal("SIGCONT"),
      isRunning: () => running,
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", last);
      await later("drop");
    },
  };
}

async function versionOf(uri: string, what: string): Promise<string> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: READY_MS });
  try {
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    return `${what} ${version}`;
  } finally {
    await client.close();
  }
}

async function answers(uri: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    try {
      await versionOf(uri, "");
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await delay(READY_POLL_MS);
    }
  }
}

/** Below the ports the system gives to outgoing connections, so that it is free again after a kill; PostgreSQL takes the one 10,000 lower. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if ((await isFreePort(port)) && (await isFreePort(port - 10_000))) return port;
  }
}

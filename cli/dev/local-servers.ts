// nats-server and Redis as children of this process, for development and tests.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findServer, type ServerKind } from "./find-server.ts";

export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the running process; undefined while none runs. */
  readonly pid: number | undefined;
  /** Contains the output of the server. */
  readonly logFile: string;
  /** SIGTERM, then SIGKILL if it has not ended within STOP_DEADLINE_MS. Does nothing if it is not running. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after stopping it if it runs. */
  restart(): Promise<void>;
}

export interface LocalServerOptions {
  /** For its data and its log; created if missing, never removed here. */
  directory: string;
  /** On 127.0.0.1; undefined: any free port. */
  port?: number;
}

export interface LocalRedisOptions extends LocalServerOptions {
  /** "always": every write is on disk before it is answered. "off" (the default): memory only, and a restart loses the data. */
  appendOnly?: "off" | "always";
}

/** A cold start takes 0.1 s; the rest is for a busy machine. */
const READY_DEADLINE_MS = 30_000;
const READY_POLL_MS = 20;
/** nats-server writes out its streams on SIGTERM; 5 s is fifty times what it takes with a test's data. */
const STOP_DEADLINE_MS = 5_000;
/** Another process may take the free port before the server listens on it. */
const PORT_TRIES = 5;
const LOG_TAIL_LINES = 15;

/** Starts nats-server with JetStream on file storage. Rejects with the end of its log if it is not ready within READY_DEADLINE_MS. */
export function startLocalNats({ directory, port }: LocalServerOptions): Promise<LocalServer> {
  const folder = resolve(directory);
  return start({
    kind: "nats",
    directory: folder,
    port,
    url: (at) => `nats://127.0.0.1:${at}`,
    // nats-server sends its name when a client connects, which distinguishes ours from another server on the same port.
    arguments: (at, name) => ["-a", "127.0.0.1", "-p", `${at}`, "-n", name, "-js", "-sd", join(folder, "jetstream")],
    isReady: async (at, { name }) => (await firstAnswer(at, "")).includes(`"server_name":"${name}"`),
  });
}

/** Starts Redis or Valkey. Rejects with the end of its log if it is not ready within READY_DEADLINE_MS. */
export function startLocalRedis({ directory, port, appendOnly = "off" }: LocalRedisOptions): Promise<LocalServer> {
  const persistence = appendOnly === "always" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const folder = resolve(directory);
  return start({
    kind: "redis",
    directory: folder,
    port,
    url: (at) => `redis://127.0.0.1:${at}`,
    arguments: (at) => ["--bind", "127.0.0.1", "--port", `${at}`, "--dir", folder, "--save", "", "--daemonize", "no", ...persistence],
    // While it loads its file it answers "-LOADING".
    isReady: async (at, { pid }) => new RegExp(`process_id:${pid}\\b`).test(await firstAnswer(at, "INFO server\r\n")),
  });
}

interface Recipe {
  kind: ServerKind;
  directory: string;
  port: number | undefined;
  url: (port: number) => string;
  arguments: (port: number, name: string) => string[];
  isReady: (port: number, self: { name: string; pid: number }) => Promise<boolean>;
}

async function start(recipe: Recipe): Promise<LocalServer> {
  const program = findServer(recipe.kind).path;
  mkdirSync(recipe.directory, { recursive: true });
  const logFile = join(recipe.directory, `${recipe.kind}.log`);
  for (let left = recipe.port ? 1 : PORT_TRIES; ; left--) {
    const port = recipe.port ?? (await freePort());
    const run = () => runOnce(program, recipe, port, logFile);
    try {
      return localServer(recipe.url(port), port, logFile, await run(), run);
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}

function localServer(url: string, port: number, logFile: string, first: Running, run: () => Promise<Running>): LocalServer {
  let running: Running | undefined = first;
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    const ending = running;
    running = undefined;
    await ending?.end(signal);
  };
  const stop = () => end("SIGTERM");
  return {
    url,
    port,
    logFile,
    get pid() {
      return running?.pid;
    },
    stop,
    kill: () => end("SIGKILL"),
    restart: async () => {
      await stop();
      running = await run();
    },
    [Symbol.asyncDispose]: stop,
  };
}

interface Running {
  pid: number;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

async function runOnce(program: string, recipe: Recipe, port: number, logFile: string): Promise<Running> {
  const name = `carillon-${randomBytes(8).toString("hex")}`;
  const log = openSync(logFile, "a");
  // In a process group of its own, so that Ctrl-C in the terminal reaches only this process, which drains before it stops the server.
  const child = spawn(program, recipe.arguments(port, name), { detached: true, stdio: ["ignore", log, log], cwd: recipe.directory });
  closeSync(log);
  await Promise.race([once(child, "spawn"), once(child, "error").then(([error]) => Promise.reject(error))]);
  const pid = child.pid!;
  const exited = once(child, "exit");
  const watcher = endWithUs(pid);
  child.unref();

  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.ref();
    if (isAlive(child)) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    if (isAlive(child)) await exited;
    clearTimeout(timer);
    watcher.kill("SIGKILL");
  };

  const deadline = performance.now() + READY_DEADLINE_MS;
  while (isAlive(child) && performance.now() < deadline) {
    if (await recipe.isReady(port, { name, pid }).catch(() => false)) return { pid, end };
    await delay(READY_POLL_MS);
  }
  const ended = !isAlive(child);
  await end("SIGKILL");
  const tail = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  throw new Error(
    `${program} ${ended ? "exited at once" : `was not ready within ${READY_DEADLINE_MS} ms`}; the end of ${logFile}:\n${tail}`,
  );
}

const isAlive = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

/**
 * A shell that waits on a pipe held only by this process. The pipe closes however this process ends, SIGKILL included, and the shell then
 * ends the server with SIGTERM and, after five seconds, its whole process group with SIGKILL.
 */
const WATCH = `read -r _
kill -s TERM "$1" || exit 0
for second in 1 2 3 4 5; do sleep 1; kill -0 "$1" || exit 0; done
kill -s KILL -- "-$1"`;

function endWithUs(pid: number): ChildProcess {
  const watcher = spawn("/bin/sh", ["-c", WATCH, "sh", `${pid}`], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  watcher.on("error", () => undefined);
  watcher.unref();
  // A pipe is a socket in Node and has unref, although its declared type lacks it.
  const { stdin } = watcher;
  if (stdin && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return watcher;
}

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error("no port of 127.0.0.1 is free");
  return port;
}

/** Whether the port of 127.0.0.1 was free a moment ago; true for 0. */
export const isFreePort = async (port: number): Promise<boolean> => (await listenOnce(port)) !== undefined;

/** The port it listened on; undefined if that is in use. */
async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  const inUse = await once(server, "listening").then(
    () => false,
    () => true,
  );
  if (inUse) return undefined;
  const address = server.address();
  server.close();
  await once(server, "close");
  return address === null || typeof address === "string" ? undefined : address.port;
}

/** Sends `question` and resolves with the first answer; rejects if nothing listens, or after a second without an answer. */
function firstAnswer(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(question));
    socket.setTimeout(1_000, () => socket.destroy(new Error("silence")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

// `carillon …` as a process of its own.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Environment } from "../../runtime/config.ts";
import { eventually } from "../support/eventually.ts";
import { V8_OPTIONS } from "../support/node-arguments.ts";

const CLI = join(import.meta.dirname, "../../cli/carillon.ts");
/** A process that runs longer is killed. */
const RUN_MS = 180_000;
/** The only variables inherited from this process. */
const INHERITED = ["PATH", "HOME", "TMPDIR", "CARILLON_CACHE", "XDG_CACHE_HOME", "NODE_COMPILE_CACHE"];

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended and its output is read. */
  readonly ended: Promise<Ended>;
}

/** Disposal kills a running process. @param cli the program: of another revision, where a test is about that */
export function startCli(args: readonly string[], env: Environment = {}, cli = CLI): CliProcess {
  const inherited = Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const child = spawn(process.execPath, [...V8_OPTIONS, cli, ...args], {
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  const ended = once(child, "close").then(([code]: (number | null)[]) => ({ code: code ?? null, ...output }));
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Resolves at the process's end; one that hangs is killed, and its code is null. */
export async function runCli(args: readonly string[], env?: Environment): Promise<Ended> {
  await using running = startCli(args, env);
  const timer = setTimeout(() => running.child.kill("SIGKILL"), RUN_MS);
  try {
    return await running.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** A ready `carillon up`. */
export interface DevProcess extends CliProcess {
  gatewayAddress: string;
  keyFile: string;
  storeUrl: string;
  /** The servers it started, and the shells that supervise them. */
  childPids: number[];
}

/** @param anyPort false: its own port, where that is free */
export async function startDevProcess(directory: string, env: Environment, { anyPort = true } = {}): Promise<DevProcess> {
  const port = anyPort ? { GATEWAY_LISTEN: "127.0.0.1:0" } : {};
  const running = startCli(["up", "--directory", directory], { LOG_LEVEL: "warn", ...port, ...env });
  try {
    let over = false;
    void running.ended.then(() => {
      over = true;
    });
    await eventually("carillon up is up", () => over || running.stdout().includes("Ctrl-C drains"));
    if (over) throw new Error(`carillon up ended: ${(await running.ended).stderr}`);
    const printed = (what: string) => new RegExp(`^ +${what} +(\\S.*?)(?: {3}|$)`, "m").exec(running.stdout())?.[1] ?? "";
    return {
      ...running,
      gatewayAddress: printed("gateway"),
      keyFile: printed("API key"),
      storeUrl: printed("store"),
      childPids: processes()
        .filter((p) => p.parent === running.child.pid)
        .map((p) => p.pid),
    };
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

/** Which of these still run. */
export const stillRunning = (pids: readonly number[]): number[] =>
  processes()
    .map((p) => p.pid)
    .filter((pid) => pids.includes(pid));

/** All processes except zombies. */
function processes(): { pid: number; parent: number }[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , state]) => !state?.startsWith("Z"))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}

// A role as a process, supervised as by an orchestrator: it is restarted whenever it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { NODE_ARGUMENTS } from "./node-arguments.ts";

const ENDS_WITH_PARENT = join(import.meta.dirname, "ends-with-parent.ts");
/** Between an end and the next start. */
const RESTART_WAIT_MS = 400;
/** A process that ends within this failed to start; its next start waits longer, like an orchestrator's back-off. */
const SHORT_LIFE_MS = 3_000;
const RESTART_WAIT_LONGEST_MS = 3_000;
const READY_POLL_MS = 50;
const ASK_MS = 1_000;
/** SIGTERM is followed by SIGKILL after this. */
const STOP_MS = 8_000;

export interface Death {
  at: number;
  pid: number;
  /** "SIGKILL", "exit 0". */
  how: string;
}

export interface SupervisedProcess extends AsyncDisposable {
  readonly name: string;
  readonly role: string;
  readonly pid: number | undefined;
  readonly deaths: readonly Death[];
  readonly logFile: string;
  kill(signal: NodeJS.Signals): void;
  /** Ends it by SIGTERM and resolves with how it ended; it is then restarted with these additional variables. */
  restart(extra?: Record<string, string>): Promise<string>;
  /** Variables from its next start on; those of restart() apply to one run only. */
  isReady(): Promise<boolean>;
  /** The first of this name on its /metrics; undefined where it does not answer or prints none. */
  gauge(metric: string): Promise<number | undefined>;
}

export interface SupervisedOptions {
  name: string;
  role: string;
  env: Record<string, string>;
  /** Where /readyz is. */
  httpPort: number;
  logFile: string;
  preload?: readonly string[] | undefined;
}

export function superviseProcess(options: SupervisedOptions): SupervisedProcess {
  const { name, role, httpPort, logFile } = options;
  const deaths: Death[] = [];
  let child: ChildProcess | undefined;
  let disposed = false;
  let next: Record<string, string> = {};
  let wake = () => {};

  const run = async () => {
    let wait = RESTART_WAIT_MS;
    while (!disposed) {
      const log = openSync(logFile, "a");
      const extra = next;
      next = {};
      const imports = [ENDS_WITH_PARENT, ...(options.preload ?? [])].flatMap((file) => ["--import", file]);
      const began = performance.now();
      const running = spawn(process.execPath, [...imports, ...NODE_ARGUMENTS, role], {
        env: { ...inherited(), ...options.env, ...extra },
        stdio: ["pipe", log, log],
      });
      closeSync(log);
      child = running;
      const [code, signal] = (await once(running, "exit").catch(() => [null, "not started"])) as [number | null, string | null];
      deaths.push({ at: Date.now(), pid: running.pid ?? 0, how: signal ?? `exit ${code}` });
      child = undefined;
      wake();
      wait = performance.now() - began < SHORT_LIFE_MS ? Math.min(RESTART_WAIT_LONGEST_MS, wait * 2) : RESTART_WAIT_MS;
      if (!disposed) await delay(wait);
    }
  };
  const over = run();

  return {
    ...{ name, role, logFile, deaths },
    get pid() {
      return child?.pid;
    },
    kill: (signal) => void child?.kill(signal),
    async restart(extra = {}) {
      const died = deaths.length;
      next = extra;
      const gone = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const ending = child;
      ending?.kill("SIGTERM");
      const timer = setTimeout(() => ending?.kill("SIGKILL"), STOP_MS);
      if (ending) await gone;
      clearTimeout(timer);
      return deaths[died]?.how ?? "was not running";
    },
    async isReady() {
      if (child === undefined) return false;
      const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`, { signal: AbortSignal.timeout(ASK_MS) }).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.status === 200;
    },
    async gauge(metric) {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/metrics`, { signal: AbortSignal.timeout(ASK_MS) }).catch(() => undefined);
      const [, value] = new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec((await answer?.text().catch(() => "")) ?? "") ?? [];
      return value === undefined ? undefined : Number(value);
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      // A stopped process reacts to nothing else.
      child?.kill("SIGKILL");
      await over;
    },
  };
}

/** Rejects with the names of those that are not ready in time. */
export async function allReady(processes: readonly SupervisedProcess[], withinMs: number): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const ready = await Promise.all(processes.map((p) => p.isReady()));
    if (ready.every((r) => r)) return;
    if (performance.now() > giveUpAt) {
      const missing = processes.filter((_, i) => !ready[i]).map((p) => p.name);
      throw new Error(`not ready within ${withinMs} ms: ${missing.join(", ")}`);
    }
    await delay(READY_POLL_MS);
  }
}

/** Where programs are found; nothing else of this process's environment is passed on. */
const inherited = () =>
  Object.fromEntries(["PATH", "HOME", "TMPDIR"].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));

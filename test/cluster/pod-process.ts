// Runs one container as a process of this machine: node with the container's arguments and environment.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const PRELOADED = [join(import.meta.dirname, "../support/ends-with-parent.ts"), join(import.meta.dirname, "pod-network.ts")];

export interface PodProcess {
  readonly pid: number | undefined;
  /** "exit 0", "SIGKILL". */
  readonly ended: Promise<string>;
  readonly isRunning: boolean;
  signal(what: NodeJS.Signals): void;
}

export function startPodProcess({
  args,
  env,
  logFile,
}: {
  args: readonly string[];
  env: Record<string, string>;
  logFile: string;
}): PodProcess {
  const log = openSync(logFile, "a");
  const imports = PRELOADED.flatMap((file) => ["--import", file]);
  const child: ChildProcess = spawn(process.execPath, [...imports, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  let isRunning = true;
  const ended = once(child, "exit").then(
    ([code, signal]: unknown[]) => `${signal ?? `exit ${code}`}`,
    () => "not started",
  );
  void ended.then(() => {
    isRunning = false;
  });
  return {
    ended,
    get pid() {
      return child.pid;
    },
    get isRunning() {
      return isRunning;
    },
    signal: (what) => void child.kill(what),
  };
}

import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { findServer } from "../../cli/dev/find-server.ts";

/** The machine, date and revision of a result. */
export interface Origin {
  date: string;
  /** Revision of the measured code; "+" marks uncommitted changes. */
  commit: string;
  machine: { cpu: string; cores: number; memoryGiB: number; linux: string };
  versions: { node: string; nats: string; redis: string };
}

export function describeMachine(): Origin {
  return {
    date: new Date().toISOString().slice(0, 16),
    commit: `${git("rev-parse", "--short", "HEAD") ?? "unknown"}${git("status", "--porcelain", "--untracked-files=no") ? "+" : ""}`,
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      linux: release(),
    },
    versions: { node: process.versions.node, nats: findServer("nats").version, redis: findServer("redis").version },
  };
}

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

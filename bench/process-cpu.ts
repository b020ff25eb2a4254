import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Clock ticks a second, of which /proc counts. */
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** ms of CPU a process has used so far, in user and system, all its threads. Linux only. proc(5): /proc/pid/stat. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command may hold spaces and parentheses; what follows its end does not. utime is field 14, stime 15; this begins with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1_000;
}

/** Resident bytes at the most so far. */
export function peakBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
}

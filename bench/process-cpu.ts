// CPU time of processes and of the machine, from /proc; Linux only. proc(5) documents the fields.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second, the unit of /proc. */
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const msOf = (ticks: number) => (ticks / TICKS) * 1_000;

export interface ProcessStat {
  parent: number;
  /** User and system time of all threads, in ticks. */
  cpuTicks: number;
  /** The same of its children that have ended, and of theirs. */
  endedTicks: number;
}

/** /proc/pid/stat. */
export function parseProcessStat(stat: string): ProcessStat {
  // The command may hold spaces and parentheses; what follows its end does not. utime is field 14, stime 15, cutime 16, cstime 17; this begins with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1]), cpuTicks: user! + system!, endedTicks: endedUser! + endedSystem! };
}

/** Ticks of a process and its descendants, those included that have ended. */
export function treeTicks(processes: ReadonlyMap<number, ProcessStat>, root: number): number {
  const children = Map.groupBy(processes.keys(), (pid) => processes.get(pid)!.parent);
  const own = ({ cpuTicks, endedTicks }: ProcessStat) => cpuTicks + endedTicks;
  const below = (pid: number): number => {
    const process = processes.get(pid);
    return (process ? own(process) : 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + below(child), 0);
  };
  return below(root);
}

export interface MachineStat {
  /** Time in all programs: user, nice and system. */
  busyTicks: number;
  /** Time that the host gave to other machines. */
  stolenTicks: number;
  totalTicks: number;
}

/** The first line of /proc/stat: all cores together. */
export function parseMachineStat(stat: string): MachineStat {
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, stolen = 0] = (stat.split("\n", 1)[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busyTicks = user + nice + system;
  return { busyTicks, stolenTicks: stolen, totalTicks: busyTicks + idle + ioWait + irq + softIrq + stolen };
}

/** CPU time of a process so far, in ms: user and system, all threads. */
export const cpuMs = (pid: number): number => msOf(parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8")).cpuTicks);

/** Peak resident size, in bytes. */
export const peakBytes = (pid: number): number => statusBytes(pid, /^VmHWM:\s+(\d+) kB/m);
/** Resident size now, in bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, /^VmRSS:\s+(\d+) kB/m);

const statusBytes = (pid: number, line: RegExp) => Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;

export interface MachineReading extends MachineStat {
  /** This process, the store server's, and their descendants. */
  oursTicks: number;
  /** Of these, the store server's, in ms; undefined where there is none. */
  storeServerMs: number | undefined;
}

let storeServer: readonly number[] = [];
/** Makes readMachine() count these processes and their descendants: a store server, which works for this process alone though its own script has started it. */
export function countStoreServer(pids: readonly number[]): void {
  storeServer = pids;
}

export function readMachine(): MachineReading {
  const processes = new Map<number, ProcessStat>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      processes.set(Number(name), parseProcessStat(readFileSync(`/proc/${name}/stat`, "utf8")));
    } catch {
      // It has ended meanwhile.
    }
  }
  const storeTicks = storeServer.reduce((sum, pid) => sum + treeTicks(processes, pid), 0);
  return {
    ...parseMachineStat(readFileSync("/proc/stat", "utf8")),
    oursTicks: treeTicks(processes, process.pid) + storeTicks,
    storeServerMs: storeServer.length > 0 ? msOf(storeTicks) : undefined,
  };
}

/** What else used the machine between two readings. */
export interface OtherLoad {
  /** Cores that other programs used. */
  cores: number;
  /** Share of all cores' time that the host gave to other machines, in [0, 1]. */
  stolenShare: number;
}

type UsedBy = Omit<MachineReading, "storeServerMs">;

/** @param cores of the machine */
export function otherLoad(from: UsedBy, to: UsedBy, cores: number): OtherLoad {
  const total = to.totalTicks - from.totalTicks;
  if (total <= 0) return { cores: 0, stolenShare: 0 };
  const others = to.busyTicks - from.busyTicks - (to.oursTicks - from.oursTicks);
  return { cores: (Math.max(0, others) / total) * cores, stolenShare: (to.stolenTicks - from.stolenTicks) / total };
}

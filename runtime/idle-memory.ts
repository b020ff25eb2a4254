import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often a process looks at how much it had to do, in ms. */
const LOOK_EVERY_MS = 10_000;
/** Of the time, what an event loop without work is busy with at most: timers and health checks. All roles in one process come to 0.03. */
const IDLE_SHARE = 0.05;
/** Above this share the process had work, which leaves garbage behind. */
const WORK_SHARE = 0.1;

/**
 * Gives memory back once the process has nothing to do. V8 lets the young generation grow to 64 MiB while modules load or under load, and keeps it and free
 * pages for as long as little is allocated: an idle gateway held 182 MiB and holds 130 after one full collection. It stops the process for 40 to 100 ms,
 * so it runs once after the start and once after each time of work, and never under load.
 */
export function returnMemoryWhenIdle(): void {
  const look = createIdleMemory({ share: createShare(), collect: collectAll });
  setInterval(look, LOOK_EVERY_MS).unref();
}

interface Parts {
  /** Of the time since the last call, how much the event loop was busy: 0 to 1. */
  share(): number;
  collect(): void;
}

/** To be called at equal intervals. */
export function createIdleMemory({ share, collect }: Parts): () => void {
  let hasWorked = true;
  return () => {
    const busy = share();
    if (busy > WORK_SHARE) hasWorked = true;
    if (busy > IDLE_SHARE || !hasWorked) return;
    hasWorked = false;
    collect();
  };
}

function createShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** A full collection that also shrinks the young generation and gives free pages back to the operating system, which an ordinary gc() does not. */
export function collectAll(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
}

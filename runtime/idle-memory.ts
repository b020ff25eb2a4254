import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createUtilization } from "./utilization.ts";

/** Between two readings of a process's utilization, in ms. */
const CHECK_EVERY_MS = 10_000;
/** Utilization below which the process counts as idle: timers and health checks of all roles in one process come to 0.03. */
const IDLE_SHARE = 0.05;
/** Utilization above which the process had work, which leaves garbage behind. */
const WORK_SHARE = 0.1;

/**
 * Gives memory back once the process has nothing to do. While modules load, or under load, V8 lets the space of new objects grow. It keeps that space and its
 * free pages until a full collection, for which an idle process allocates too little. One such collection took an idle gateway from 182 MiB to 130. It stops the
 * process for 40 to 100 ms, so it runs once after the start and once after each time of work, and never under load.
 */
export function returnMemoryWhenIdle(): void {
  const check = createIdleMemory({ utilization: createUtilization(), collect: collectAll });
  setInterval(check, CHECK_EVERY_MS).unref();
}

interface Parts {
  /** Share of the time since the last call in which the event loop worked, 0 to 1. */
  utilization(): number;
  collect(): void;
}

/** To be called at equal intervals. */
export function createIdleMemory({ utilization, collect }: Parts): () => void {
  let hasWorked = true;
  return () => {
    const busy = utilization();
    if (busy > WORK_SHARE) hasWorked = true;
    if (busy > IDLE_SHARE || !hasWorked) return;
    hasWorked = false;
    collect();
  };
}

/** A full collection that also shrinks the young generation and gives free pages back to the operating system, which an ordinary gc() does not. */
export function collectAll(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  // V8 rejects what the compile cache holds while its options differ from those at the start.
  setFlagsFromString("--no-expose-gc");
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
}

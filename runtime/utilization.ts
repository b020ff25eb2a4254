import { performance } from "node:perf_hooks";

/** Share of the time since the last call in which this process's event loop worked, 0 to 1; waiting for a processor and for SQLite's lock included. */
export function createUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

import { EXPECTED } from "./simulation.ts";
import { runWorld, type WorldEnd } from "./world.ts";

/** The result of many worlds. */
export interface Run {
  seeds: number;
  broken: Broken[];
  counts: Map<string, number>;
  /** CPU time, in ms. */
  coreMs: number;
}

/** A world in which a promise was broken. */
export type Broken = Pick<WorldEnd, "seed" | "violations" | "evidence" | "history" | "hash">;

/** At most this many broken worlds are kept. */
const BROKEN_KEPT = 20;

export const emptyRun = (): Run => ({ seeds: 0, broken: [], counts: new Map(), coreMs: 0 });

/** Adds the result of another part of the seeds. */
export function addRun(to: Run, { seeds, broken, counts, coreMs }: Run): void {
  to.seeds += seeds;
  to.coreMs += coreMs;
  to.broken.push(...broken.slice(0, Math.max(0, BROKEN_KEPT - to.broken.length)));
  for (const [what, times] of counts) to.counts.set(what, (to.counts.get(what) ?? 0) + times);
}

/**
 * Runs these seeds one after the other.
 * @param untilBroken stops after the first world that breaks a promise
 */
export async function runSeeds(first: number, seeds: number, { untilBroken = false } = {}): Promise<Run> {
  const run = emptyRun();
  // Injected errors are thrown by the thousand, and their stack traces are not used.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const cpu = process.cpuUsage();
  for (let seed = first; seed < first + seeds; seed++) {
    const { violations, evidence, history, hash, counts } = await runWorld(seed);
    const broken = violations.length > 0 ? [{ seed, violations, evidence, history, hash }] : [];
    addRun(run, { seeds: 1, broken, counts: new Map(counts), coreMs: 0 });
    if (untilBroken && broken.length > 0) break;
  }
  const { user, system } = process.cpuUsage(cpu);
  Error.stackTraceLimit = stackTraceLimit;
  return { ...run, coreMs: (user + system) / 1_000 };
}

/** Faults that never happened and failpoints that were never passed: the run proves nothing about them. */
export const missing = ({ counts }: Run): string[] => EXPECTED.filter((what) => !counts.has(what));

/** A report of a world that broke a promise. */
export const describeBroken = ({ seed, violations, evidence, history, hash }: Broken): string =>
  [`seed ${seed} (history ${hash})`, ...violations, "", ...evidence, "", "ms  who  what", ...history].join("\n");

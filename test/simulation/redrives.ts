// Operators who send again what failed, in some worlds: while other processes still write, and with what may have been sent.
import { StoreError } from "../../adapters/store/store-error.ts";
import { redrive } from "../../operations/dead-letters/redrive.ts";
import { portsOf, type Surroundings } from "./ports.ts";
import type { SimulatedProcess } from "./process.ts";

const REDRIVES_MAX = 6;
const EVERYTHING = { from: 0, to: Number.MAX_SAFE_INTEGER };
/** Absent: what has expired stays as it is. */
const EXPIRES_IN_MS = [undefined, 3_600_000];

/** By the seed alone, so that the other worlds are as they were. */
export const redrivesIn = (seed: number): boolean => seed % 4 === 3;

/** @param start starts a process; each redrive runs in its own */
export function beginRedrives(around: Surroundings, start: () => SimulatedProcess, someTime: () => number): void {
  const { simulation } = around;
  const { random, time } = simulation;

  async function redriveAll(): Promise<void> {
    const its = start();
    const { store, recorder } = portsOf(around, its);
    const terms = { uncertain: random.chance(0.5), expiresInMs: random.pick(EXPIRES_IN_MS) };
    // Reading what failed is many calls in truth; here it is one that does not fail.
    const notifications = { ...store.notifications, failed: around.store.notifications.failed };
    const options = { terms, recorder, dryRun: false, now: its.clock.now() };
    const report = await redrive({ ...store, notifications }, { kind: "filter", filter: EVERYTHING }, options);
    for (let i = 0; i < report.redriven.count; i++) simulation.happened("delivery redriven");
  }

  for (let i = 1 + random.below(REDRIVES_MAX); i > 0; i--)
    time.after(someTime(), () =>
      redriveAll().catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      }),
    );
}

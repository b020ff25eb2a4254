import { seededRandom } from "../simulation/random.ts";
import { line, type StoreResults } from "./page.ts";
import { type Row, type RowResult, runRow } from "./row.ts";
import { type StoreKind, startWorld, versionsOf } from "./world.ts";

/** Runs these rows one after the other on one system. When the signal aborts, returns the results so far. */
export async function runStore(
  store: StoreKind,
  rows: readonly Row[],
  { seed, signal, say }: { seed: number; signal: AbortSignal; say: (line: string) => void },
): Promise<StoreResults> {
  const began = performance.now();
  const random = seededRandom(seed).next;
  await using world = await startWorld(store, say);
  const results: RowResult[] = [];
  for (const row of rows.filter((r) => r.stores === undefined || r.stores.includes(store))) {
    if (signal.aborted) break;
    // An abort does not wait for the row: its world is disposed while it runs.
    const running = runRow(world, row, random, say);
    running.catch(() => undefined);
    const result = await Promise.race([running, aborted(signal)]);
    if (result === undefined) break;
    results.push(result);
    say(line(result));
    if (isBroken(result)) say(`  logs are kept in ${world.keepLogs()}`);
  }
  return { store, versions: versionsOf(world), seed, rows: results, tookMs: performance.now() - began };
}

export const isBroken = (result: RowResult) => result.kind === "ran" && result.broken.length > 0;
export const isSlow = (result: RowResult) => result.kind === "ran" && !isBroken(result) && result.slow.length > 0;

const aborted = (signal: AbortSignal) =>
  new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));

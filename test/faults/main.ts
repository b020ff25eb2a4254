// Chaos on real servers: node test/faults/main.ts --store sqlite|mongodb|both [--rows a,b] [--seed N] [--write]
// Exit status 1 when a row is broken, 2 when the command line is invalid, 3 when the machine was too slow to tell of a row.
import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { page, type StoreResults } from "./page.ts";
import { ALL_ROWS } from "./rows.ts";
import { isBroken, isSlow, runStore } from "./run-store.ts";
import type { StoreKind } from "./world.ts";

const PAGE = join(import.meta.dirname, "../../docs/reliability.md");
const STORES: readonly StoreKind[] = ["sqlite", "mongodb"];
/** Each store has twenty processes and its servers: on fewer cores the stores would make one another late. */
const SIDE_BY_SIDE_CORES = 8;
/** A run that was asked to end is stopped after this. */
const END_MS = 60_000;

const { values } = parseArgs({
  options: { store: { type: "string", default: "both" }, rows: { type: "string" }, seed: { type: "string" }, write: { type: "boolean" } },
});
const stores = STORES.filter((s) => values.store === "both" || values.store === s);
const wanted = values.rows?.split(",");
const rows = wanted ? wanted.map((name) => ALL_ROWS.find((r) => r.name === name)) : ALL_ROWS;
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (stores.length === 0 || rows.some((r) => r === undefined) || !Number.isSafeInteger(seed)) {
  process.stderr.write(
    `usage: node test/faults/main.ts [--store sqlite|mongodb|both] [--rows a,b] [--seed N] [--write]\nrows: ${ALL_ROWS.map((r) => r.name).join(", ")}\n`,
  );
  process.exit(2);
}

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    ending.abort();
    process.exitCode = 130;
    setTimeout(() => process.exit(130), END_MS).unref();
  });

const results = await resultsOf(stores);
if (process.send) {
  process.send(results[0]);
  process.disconnect();
} else {
  const broken = results.flatMap((r) => r.rows.filter(isBroken).map((row) => `${r.store} ${row.name}`));
  const ran = results.reduce((sum, r) => sum + r.rows.length, 0);
  const slow = results.flatMap((r) => r.rows.filter(isSlow).map((row) => `${r.store} ${row.name}`));
  const verdict = broken.length === 0 ? "no promise broken" : `broken: ${broken.join(", ")}`;
  process.stdout.write(`\nseed ${seed}: ${ran} rows, ${verdict}${slow.length > 0 ? `; too slow to tell: ${slow.join(", ")}` : ""}\n`);
  if (values.write && !ending.signal.aborted) writeFileSync(PAGE, page(results));
  if (process.exitCode === undefined) process.exitCode = broken.length > 0 ? 1 : slow.length > 0 ? 3 : 0;
}
// An aborted row may still have work in progress.
if (ending.signal.aborted) process.exit();

async function resultsOf(stores: readonly StoreKind[]): Promise<StoreResults[]> {
  if (stores.length === 1) return [await here(stores[0]!)];
  if (availableParallelism() >= SIDE_BY_SIDE_CORES) return Promise.all(stores.map(beside));
  const results: StoreResults[] = [];
  for (const store of stores) results.push(await beside(store));
  return results;
}

function here(store: StoreKind): Promise<StoreResults> {
  const say = (text: string) => void process.stdout.write(`${text.replaceAll(/^/gm, `${store.padEnd(8)}`)}\n`);
  return runStore(store, rows as typeof ALL_ROWS, { seed, say, signal: ending.signal });
}

/** Runs a store's rows in a process of their own, so that runs share nothing but the machine. */
async function beside(store: StoreKind): Promise<StoreResults> {
  const args = ["--store", store, "--seed", `${seed}`, ...(values.rows ? ["--rows", values.rows] : [])];
  const child = fork(import.meta.filename, args);
  // Ctrl-C reaches the child directly; SIGTERM does not.
  ending.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  const outcome = Promise.withResolvers<StoreResults>();
  child.on("message", (message) => outcome.resolve(message as StoreResults));
  void once(child, "exit").then(([code]) => outcome.reject(new Error(`the run on ${store} ended with ${code}`)));
  return outcome.promise;
}

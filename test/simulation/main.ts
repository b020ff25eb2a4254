// make simulate: runs worlds until a promise breaks, and proves on broken code that it would be noticed.
//   node test/simulation/main.ts --seeds 20000 [--first 1] [--workers 2]      all of it
//   node test/simulation/main.ts --seeds 1 --first 4711                       one world again, with its history where it fails
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { inParallel, runAsJson, runInChild } from "./children.ts";
import { MUTATION_SEEDS, MUTATIONS } from "./mutations.ts";
import { addRun, describeBroken, emptyRun, missing, runSeeds } from "./run.ts";

/** Seeds of one child process. */
const CHUNK = 1_000;
/** From so many seeds on, everything that can go wrong has gone wrong. */
const COMPLETE_FROM = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    first: { type: "string", default: "1" },
    workers: { type: "string", default: `${availableParallelism()}` },
    /** One process, and what came of it as a line. */
    json: { type: "boolean", default: false },
    "until-broken": { type: "boolean", default: false },
  },
});
const [seeds, first, workers] = [values.seeds, values.first, values.workers].map(Number) as [number, number, number];
if (![seeds, first, workers].every((n) => Number.isSafeInteger(n) && n > 0))
  throw new Error("--seeds, --first, --workers: numbers above 0");

if (values.json) {
  const run = await runSeeds(first, seeds, { untilBroken: values["until-broken"] });
  process.stdout.write(runAsJson(run));
  process.exitCode = run.broken.length > 0 ? 1 : 0;
} else {
  process.exitCode = (await simulate()) ? 0 : 1;
}

async function simulate(): Promise<boolean> {
  const began = performance.now();
  const total = emptyRun();
  const chunks = Array.from({ length: Math.ceil(seeds / CHUNK) }, (_, i) => first + i * CHUNK);
  await inParallel(chunks, workers, async (from) => {
    const run = await runInChild(from, Math.min(CHUNK, first + seeds - from));
    addRun(total, run);
    for (const { seed, violations } of run.broken) console.log(`  seed ${seed}: ${violations.join("; ")}`);
    console.log(`  ${total.seeds} of ${seeds} seeds, ${perMinute(total.seeds, total.coreMs)} a minute on one core`);
  });
  const { broken } = total;
  for (const world of broken.slice(0, 1)) console.log(`\n${describeBroken(world)}`);

  console.log("\nwhat happened, how often");
  for (const [what, times] of [...total.counts].sort((a, b) => b[1] - a[1])) console.log(`  ${`${times}`.padStart(9)}  ${what}`);
  const absent = seeds >= COMPLETE_FROM ? missing(total) : [];
  for (const what of absent) console.log(`          0  ${what}: never happened, so this run proves nothing about it`);

  console.log(`\ncode broken on purpose: noticed within ${MUTATION_SEEDS} seeds?`);
  let unnoticed = 0;
  await inParallel(MUTATIONS, workers, async (mutation) => {
    const say = (what: string) => console.log(`  ${mutation.name.padEnd(52)}${what}`);
    try {
      const run = await runInChild(1, mutation.seeds ?? MUTATION_SEEDS, mutation);
      const [noticed] = run.broken;
      if (noticed) return say(`${`${run.seeds}`.padStart(5)} seeds  ${promiseOf(noticed.violations)}`);
      say("NOT NOTICED");
    } catch (error) {
      say(`cannot be run: ${error instanceof Error ? error.message : error}`);
    }
    unnoticed++;
  });

  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(
    `\n${total.seeds} seeds, ${broken.length} broken; ${perMinute(total.seeds, total.coreMs)} a minute on one core; ` +
      `${MUTATIONS.length - unnoticed} of ${MUTATIONS.length} mutations noticed; ${seconds} s on ${workers} cores`,
  );
  return broken.length === 0 && absent.length === 0 && unnoticed === 0;
}

function perMinute(count: number, ms: number): number {
  return Math.round((count / ms) * 60_000);
}

function promiseOf([violation = ""]: readonly string[]): string {
  return violation.split(":")[0]!;
}

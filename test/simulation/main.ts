// make simulate: runs simulated worlds, and proves with mutated code that a broken promise would be detected.
//   node test/simulation/main.ts --seeds 20000 [--first 1] [--workers 2]      worlds and mutations
//   node test/simulation/main.ts --seeds 1 --first 4711                       one world again; prints its history when it fails
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { inParallel } from "../../runtime/in-parallel.ts";
import { detect, runAsJson, runInChild } from "./children.ts";
import { MUTATION_SEEDS, MUTATIONS } from "./mutations.ts";
import { addRun, describeBroken, emptyRun, missing, runSeeds } from "./run.ts";

/** Seeds of one child process: it runs twice as fast after the first thousand. */
const CHUNK = 2_500;
/** A run of this many seeds must have seen every fault. */
const COMPLETE_FROM = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    first: { type: "string", default: "1" },
    workers: { type: "string", default: `${availableParallelism()}` },
    /** Runs in this process and prints the result as one line of JSON. */
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

  console.log("\nevents and their counts");
  for (const [what, times] of [...total.counts].sort((a, b) => b[1] - a[1])) console.log(`  ${`${times}`.padStart(9)}  ${what}`);
  const absent = seeds >= COMPLETE_FROM ? missing(total) : [];
  for (const what of absent) console.log(`          0  ${what}: never happened, so this run proves nothing about it`);

  console.log(`\nmutations: detected within ${MUTATION_SEEDS} seeds?`);
  let undetected = 0;
  const nameWidth = Math.max(...MUTATIONS.map(({ name }) => name.length)) + 2;
  await inParallel(MUTATIONS, workers, async (mutation) => {
    const say = (what: string) => console.log(`  ${mutation.name.padEnd(nameWidth)}${what}`);
    try {
      const [detected] = (await detect(mutation)).broken;
      if (detected) return say(`by seed ${`${detected.seed}`.padEnd(5)} ${promiseOf(detected.violations)}`);
      say("NOT DETECTED");
    } catch (error) {
      say(`cannot be run: ${error instanceof Error ? error.message : error}`);
    }
    undetected++;
  });

  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(
    `\n${total.seeds} seeds, ${broken.length} broken; ${perMinute(total.seeds, total.coreMs)} a minute on one core; ` +
      `${MUTATIONS.length - undetected} of ${MUTATIONS.length} mutations detected; ${seconds} s on ${workers} cores`,
  );
  return broken.length === 0 && absent.length === 0 && undetected === 0;
}

function perMinute(count: number, ms: number): number {
  return Math.round((count / ms) * 60_000);
}

function promiseOf([violation = ""]: readonly string[]): string {
  return violation.split(":")[0]!;
}

import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Mutation } from "./mutation.ts";
import { MUTATION_SEEDS, MUTATION_VARIABLE } from "./mutations.ts";
import { addRun, emptyRun, type Run } from "./run.ts";

/** Timeout of a child process, in ms. 2,500 seeds take two minutes, and ten where two other suites run on the same two cores. */
const CHILD_MS = 1_800_000;
/** Bound of a child's output, in bytes: a broken world is 100 kB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const FOLDER = import.meta.dirname;

/** Runs seeds in a child process, optionally with a mutation applied. Rejects when the process fails for another reason than a broken promise. */
export function runInChild(first: number, seeds: number, mutation?: Mutation): Promise<Run> {
  const args = [join(FOLDER, "main.ts"), "--first", `${first}`, "--seeds", `${seeds}`, "--json"];
  const mutated = mutation ? ["--import", join(FOLDER, "mutate.ts"), ...args, "--until-broken"] : args;
  const env = { ...process.env, ...(mutation ? { [MUTATION_VARIABLE]: mutation.name } : {}) };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, mutated, { env, timeout: CHILD_MS, maxBuffer: ANSWER_BYTES_MAX }, (error, stdout, stderr) => {
      // Exit status 1 means that a promise was broken; the output has the details.
      if (error && error.code !== 1) return reject(new Error(`a child failed (${error.code ?? error.signal}): ${stderr}`));
      try {
        const run = JSON.parse(stdout) as Omit<Run, "counts"> & { counts: [string, number][] };
        resolve({ ...run, counts: new Map(run.counts) });
      } catch {
        reject(new Error(`a child's output is not JSON: ${stdout.slice(0, 500)} ${stderr}`));
      }
    });
  });
}

/** Runs the seeds of a mutation until one detects it, those from `begin` on first. */
export async function detect(mutation: Mutation): Promise<Run> {
  const { seeds = MUTATION_SEEDS, begin = 1 } = mutation;
  const run = emptyRun();
  addRun(run, await runInChild(begin, seeds - begin + 1, mutation));
  if (run.broken.length === 0 && begin > 1) addRun(run, await runInChild(1, begin - 1, mutation));
  return run;
}

export const runAsJson = (run: Run): string => JSON.stringify({ ...run, counts: [...run.counts] });

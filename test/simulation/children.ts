import { execFile } from "node:child_process";
import { join } from "node:path";
import { MUTATION_VARIABLE, type Mutation } from "./mutations.ts";
import type { Run } from "./run.ts";

/** For a child that hangs, in ms; on a busy machine a thousand seeds take a minute. */
const CHILD_MS = 300_000;
/** Of a child's answer, in bytes: a broken world is 100 kB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const FOLDER = import.meta.dirname;

/** Seeds run in a process of their own, by code that may be broken on purpose. Rejects where the process fails otherwise. */
export function runInChild(first: number, seeds: number, mutation?: Mutation): Promise<Run> {
  const args = [join(FOLDER, "main.ts"), "--first", `${first}`, "--seeds", `${seeds}`, "--json"];
  const mutated = mutation ? ["--import", join(FOLDER, "mutate.ts"), ...args, "--until-broken"] : args;
  const env = { ...process.env, ...(mutation ? { [MUTATION_VARIABLE]: mutation.name } : {}) };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, mutated, { env, timeout: CHILD_MS, maxBuffer: ANSWER_BYTES_MAX }, (error, stdout, stderr) => {
      // It ends with 1 where a promise was broken, and says so.
      if (error && error.code !== 1) return reject(new Error(`a child failed (${error.code ?? error.signal}): ${stderr}`));
      try {
        const run = JSON.parse(stdout) as Omit<Run, "counts"> & { counts: [string, number][] };
        resolve({ ...run, counts: new Map(run.counts) });
      } catch {
        reject(new Error(`a child said nothing of use: ${stdout.slice(0, 500)} ${stderr}`));
      }
    });
  });
}

export const runAsJson = (run: Run): string => JSON.stringify({ ...run, counts: [...run.counts] });

/** Runs work for each item, so many at a time, in their order. */
export async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

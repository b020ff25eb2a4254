import { type SeededRandom, seededRandom } from "../simulation/random.ts";
import { takeCoverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";

/** Code that reads foreign bytes, and what must hold for whatever it is given. */
export interface FuzzTarget {
  name: string;
  /** Inputs to begin with: valid ones reach deepest. */
  seeds: readonly Buffer[];
  /** Words of the format. */
  dictionary?: readonly (string | Buffer)[];
  /** The files whose coverage guides: a part of their URL. */
  files: RegExp;
  /** Throws or rejects where a property is broken; an expected rejection is caught inside. */
  run(input: Buffer): void | Promise<void>;
}

export interface FuzzResult {
  runs: number;
  /** Inputs that reached something new. */
  corpus: number;
  /** Blocks of the watched files. */
  reached: number;
  /** The first input that broke a property, made as short as removing parts of it allows. */
  failure?: { input: Buffer; error: unknown };
  slowestMs: number;
}

/** Inputs between two readings of the coverage, which cost as much as hundreds of inputs. */
const ROUND = 200;

/** Coverage-guided: an input that reaches something new is kept and changed further. Ends after `runs`, at `stop`, or at the first failure. */
export async function fuzz(
  target: FuzzTarget,
  { seed, runs, stop = () => false }: { seed: number; runs: number; stop?: () => boolean },
): Promise<FuzzResult> {
  const random: SeededRandom = seededRandom(seed);
  const dictionary = (target.dictionary ?? []).map((word) => Buffer.from(word));
  const reached = new Set<string>();
  const corpus: Buffer[] = [];
  const result = { runs: 0, slowestMs: 0 };
  takeCoverage(target.files);

  /** The first input that fails, or the blocks that were reached for the first time. */
  const run = async (inputs: readonly Buffer[]): Promise<{ failure?: FuzzResult["failure"]; blocks: string[] }> => {
    for (const input of inputs) {
      const began = performance.now();
      const error = await errorOf(target, input);
      result.slowestMs = Math.max(result.slowestMs, performance.now() - began);
      if (error !== undefined) return { failure: await shortest(target, input, error), blocks: [] };
    }
    return { blocks: takeCoverage(target.files).filter((block) => !reached.has(block)) };
  };
  /** Keeps those that reach something new, and finds them by halves. Returns a failure. */
  const explore = async (inputs: readonly Buffer[]): Promise<FuzzResult["failure"]> => {
    const { failure, blocks } = await run(inputs);
    if (failure || blocks.length === 0) return failure;
    const half = Math.ceil(inputs.length / 2);
    if (inputs.length === 1) corpus.push(...inputs);
    else {
      const found = (await explore(inputs.slice(0, half))) ?? (await explore(inputs.slice(half)));
      if (found) return found;
    }
    // Also those that only several inputs together show.
    for (const block of blocks) reached.add(block);
    return undefined;
  };

  let failure = await explore(target.seeds);
  if (corpus.length === 0) corpus.push(...target.seeds);
  while (failure === undefined && result.runs < runs && !stop()) {
    result.runs += ROUND;
    failure = await explore(Array.from({ length: ROUND }, () => mutate(random.pick(corpus), random.pick(corpus), dictionary, random)));
  }
  return { ...result, corpus: corpus.length, reached: reached.size, ...(failure && { failure }) };
}

async function errorOf(target: FuzzTarget, input: Buffer): Promise<unknown> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return error ?? new Error("threw nothing");
  }
}

/** Leaves out ever smaller parts while it still fails. */
async function shortest(target: FuzzTarget, failing: Buffer, first: unknown): Promise<{ input: Buffer; error: unknown }> {
  let [input, error] = [failing, first];
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < input.length; ) {
      const without = Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
      const still = await errorOf(target, without);
      if (still === undefined) at += size;
      else [input, error] = [without, still];
    }
  }
  return { input, error };
}

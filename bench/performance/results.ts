import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Origin } from "../compare/machine.ts";
import type { Answer, Asked, StoreName } from "./figure.ts";

export const RESULTS_FILE = join(import.meta.dirname, "../results/performance.jsonl");

/** A question's answer, and where and when it was measured. */
export interface Result extends Origin, Answer, Partial<Pick<Asked, "load">> {
  question: string;
  store: StoreName;
  /** Where the store is a server. */
  storeVersion?: string;
  /** Duration. */
  seconds: number;
}

/** One JSON line each. */
export function parseResults(text: string): Result[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Result);
}

/** All results, with this one in the place of an earlier one of the same question and store. */
export function withResult(results: readonly Result[], result: Result): Result[] {
  const isSame = (other: Result) => other.question === result.question && other.store === result.store;
  return results.some(isSame) ? results.map((other) => (isSame(other) ? result : other)) : [...results, result];
}

export const printResults = (results: readonly Result[]): string => results.map((r) => `${JSON.stringify(r, fourDigits)}\n`).join("");

export function readResults(file = RESULTS_FILE): Result[] {
  try {
    return parseResults(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export function recordResult(result: Result, file = RESULTS_FILE): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, printResults(withResult(readResults(file), result)));
}

/** More are beyond the precision of any measurement here. */
function fourDigits(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeMachine } from "./machine.ts";
import type { Limits } from "./rounds.ts";
import type { Section } from "./section.ts";
import { printed } from "./table.ts";

/** The median of 8 rounds is good to about 15 % on a virtual machine: two equal servers measured against each other gave 0.90. */
const ROUNDS = 8;
const RESULTS = join(import.meta.dirname, "../results");

export type Measurement = (limits: Limits) => Promise<Section>;

/**
 * Takes the measurements one after the other, writes bench/results/<name>.json and prints the same as tables.
 * @param runMs no round starts that might end later
 * @param parts each measurement, and the share of runMs by which it must have ended
 */
export async function report(name: string, runMs: number, parts: readonly (readonly [Measurement, endsBy: number])[]): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  if (process.platform !== "linux") {
    say("CPU times are read from /proc, which only Linux has");
    process.exitCode = 1;
    return;
  }
  const began = performance.now();
  const origin = describeMachine();
  const sections: Section[] = [];
  for (const [measure, endsBy] of parts) sections.push(await measure({ rounds: ROUNDS, endsAt: began + endsBy * runMs, say }));
  const result = { ...origin, seconds: Math.round((performance.now() - began) / 1_000), sections };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, rounded, 2)}\n`);
  process.stdout.write(`${printed(result)}\n`);
}

/** Four digits are more precise than the measurement. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

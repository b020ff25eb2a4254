// Writes what follows from the recorded runs of per-pod-rate.ts: the costs for `carillon capacity`, the target rates of autoscaler and chart, and the
// example in docs/capacity.md. Run it by `node bench/measured-costs.ts`, or by `node bench/per-pod-rate.ts --write` after a run.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { sustainedRate, targetRate } from "../operations/capacity/capacity.ts";
import { CALL_COSTS, TASK_COSTS } from "../operations/capacity/measured-costs.ts";
import {
  costsOf,
  exampleArguments,
  type PodRateRun,
  type TargetRates,
  withChartTargets,
  withCosts,
  withDefaultTargets,
  withExample,
  withRun,
} from "./cost-sources.ts";

const ROOT = join(import.meta.dirname, "..");
const RUNS = "bench/results/per-pod-rate.json";
const COSTS = "operations/capacity/measured-costs.ts";
const SCALING = "core/scaling/scaling.ts";
const VALUES = "deploy/helm/carillon/values.yaml";
const PAGE = "docs/capacity.md";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const write = (path: string, text: string) => writeFileSync(join(ROOT, path), text);
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });

function readRuns(): PodRateRun[] {
  try {
    return JSON.parse(read(RUNS)) as PodRateRun[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Adds it to bench/results/per-pod-rate.json. */
export function recordRun(newest: PodRateRun): void {
  const fourDigits = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
  mkdirSync(dirname(join(ROOT, RUNS)), { recursive: true });
  write(RUNS, `${JSON.stringify(withRun(readRuns(), newest), fourDigits, 2)}\n`);
}

/** Returns the paths of what it wrote. */
export function writeMeasuredCosts(): string[] {
  const runs = readRuns();
  const costs = costsOf(runs, { tasks: TASK_COSTS, calls: CALL_COSTS });
  const target = (channel: Channel) => targetRate(sustainedRate(costs.tasks[channel].dispatcherMs, SCALING_DEFAULTS[channel]));
  const targets = Object.fromEntries(CHANNELS.map((channel) => [channel, target(channel)])) as TargetRates;
  write(COSTS, withCosts(read(COSTS), costs, runs));
  write(SCALING, withDefaultTargets(read(SCALING), targets));
  write(VALUES, withChartTargets(read(VALUES), targets));
  // Other processes, which load what was just written.
  run("scripts/chart.ts", "gen");
  const page = read(PAGE);
  write(PAGE, withExample(page, run("cli/carillon.ts", ...exampleArguments(page))));
  return [COSTS, SCALING, VALUES, "deploy/helm/carillon/README.md", "deploy/helm/carillon/values.schema.json", PAGE];
}

if (import.meta.main) for (const path of writeMeasuredCosts()) process.stdout.write(`wrote ${path}\n`);

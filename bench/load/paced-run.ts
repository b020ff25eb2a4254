import type { Program } from "../program.ts";
import { OUTCOME, type Status } from "./outcomes.ts";
import type { PacedOrder, PacedReport } from "./paced-calls.ts";
import { unpack8, unpack32 } from "./packed.ts";
import { createSchedule } from "./schedule.ts";

/** What became of paced calls. */
export interface PacedRun extends Omit<PacedReport, "outcomes" | "endedUs"> {
  readonly order: PacedOrder;
  /** By call: an OUTCOME, or OUTCOME.status + the index of its status. */
  readonly outcomes: Uint8Array;
  /** By call: monotonicUs(). */
  dueUs(call: number): number;
  endedUs(call: number): number;
}

/** Beyond the last deadline: for starting, and for packing the answer. */
const SLACK_MS = 30_000;

export async function runPaced(load: Program, order: PacedOrder): Promise<PacedRun> {
  const limitMs = (order.calls / order.perSecond) * 1_000 + order.deadlineMs + SLACK_MS;
  return readRun(order, await load.ask<PacedReport>(order, limitMs));
}

export function readRun(order: PacedOrder, report: PacedReport): PacedRun {
  const { outcomes, endedUs, ...others } = report;
  const ended = unpack32(endedUs);
  const schedule = createSchedule(order.perSecond, order.calls);
  return {
    ...others,
    order,
    outcomes: unpack8(outcomes),
    dueUs: (call) => report.startUs + schedule.dueUs(call),
    endedUs: (call) => report.startUs + (ended[call] ?? Number.NaN),
  };
}

export const isAccepted = (outcome: number): boolean => outcome === OUTCOME.accepted;
export const isAnsweredWithStatus = (outcome: number): boolean => outcome >= OUTCOME.status;
export const isBroken = (outcome: number): boolean => outcome === OUTCOME.reset || outcome === OUTCOME.sentAway || outcome === OUTCOME.lost;

/** From due to answered, in ms, ascending. */
export function latenciesMs(run: PacedRun, counts: (outcome: number) => boolean): Float64Array {
  const values: number[] = [];
  for (const [call, outcome] of run.outcomes.entries()) if (counts(outcome)) values.push((run.endedUs(call) - run.dueUs(call)) / 1_000);
  return Float64Array.from(values).sort();
}

export function countOf(run: PacedRun, counts: (outcome: number) => boolean): number {
  return run.outcomes.reduce((sum, outcome) => sum + (counts(outcome) ? 1 : 0), 0);
}

/** Calls that ended so, by second from the start. */
export function endedPerSecond(run: PacedRun, counts: (outcome: number) => boolean): number[] {
  const seconds: number[] = [];
  for (const [call, outcome] of run.outcomes.entries()) {
    if (!counts(outcome)) continue;
    const second = Math.floor((run.endedUs(call) - run.startUs) / 1_000_000);
    while (seconds.length <= second) seconds.push(0);
    seconds[second]!++;
  }
  return seconds;
}

/** How many calls got which status, where any did. */
export const statusCounts = (run: PacedRun): { status: Status; count: number }[] =>
  run.statuses
    .map((status, i) => ({ status, count: countOf(run, (outcome) => outcome === OUTCOME.status + i) }))
    .filter(({ count }) => count > 0);

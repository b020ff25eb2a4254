import type { Summary } from "../summary.ts";
import { summaryOf } from "../summary.ts";
import { counted, type Limits, type Round, ratioOf, type Side, type Slice, takeRounds, totalCpuUs } from "./rounds.ts";

/** The result of one side. */
export interface Row {
  side: string;
  perSecond: Summary;
  /** us of CPU per item, by process. */
  cpuUs: Record<string, Summary>;
  cpuUsTotal: Summary;
  /** The same for the instruments; not in the total. */
  instrumentUs: Record<string, Summary>;
}

export interface Ratio {
  what: string;
  ratio: Summary;
}

/** The result of one benchmark. */
export interface Section {
  question: string;
  rounds: number;
  clean: number;
  /** Too few rounds were clean, so all of them count. */
  busy: boolean;
  /** Cores that other programs used during the slices that count. */
  otherCores: Summary;
  rows: Row[];
  ratios: Ratio[];
}

/** A figure of one side compared with one of another. */
export interface Comparison {
  what: string;
  over: (round: Round) => number;
  under: (round: Round) => number;
}

export const rate = (side: string) => (round: Round) => sliceOf(round, side).perSecond;
export const cpu = (side: string, process?: string) => (round: Round) =>
  process === undefined ? totalCpuUs(sliceOf(round, side)) : (sliceOf(round, side).cpuUs[process] ?? Number.NaN);

function sliceOf(round: Round, side: string): Slice {
  const slice = round[side];
  if (slice === undefined) throw new Error(`no side is called ${side}`);
  return slice;
}

export async function measure(
  question: string,
  sides: readonly Side[],
  comparisons: readonly Comparison[],
  limits: Limits,
): Promise<Section> {
  limits.say(question);
  return summarize(question, await takeRounds(sides, limits), sides, comparisons);
}

export function summarize(
  question: string,
  taken: readonly Round[],
  sides: readonly Pick<Side, "name" | "processes">[],
  comparisons: readonly Comparison[],
): Section {
  const { rounds, clean, busy } = counted(taken);
  return {
    question,
    rounds: taken.length,
    clean,
    busy,
    otherCores: summaryOf(rounds.flatMap((round) => Object.values(round).map(({ other }) => other.cores))),
    rows: sides.map(({ name, processes }) => ({
      side: name,
      perSecond: summaryOf(rounds.map(rate(name))),
      cpuUs: Object.fromEntries(Object.keys(processes).map((process) => [process, summaryOf(rounds.map(cpu(name, process)))])),
      cpuUsTotal: summaryOf(rounds.map(cpu(name))),
      instrumentUs: Object.fromEntries(
        Object.keys(rounds[0] ? sliceOf(rounds[0], name).instrumentUs : {}).map((process) => [
          process,
          summaryOf(rounds.map((round) => sliceOf(round, name).instrumentUs[process]!)),
        ]),
      ),
    })),
    ratios: comparisons.map(({ what, over, under }) => ({ what, ratio: ratioOf(rounds, over, under) })),
  };
}

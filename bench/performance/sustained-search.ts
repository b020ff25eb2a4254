import { isDisturbed } from "../compare/rounds.ts";
import { summaryOf } from "../summary.ts";
import { type MixedRun, REJECTED_SHARE_MAX } from "./sustained-run.ts";

/** 99 % of the calls for one notification are answered within this time after they were due, in ms. */
const ACCEPT_MS_MAX = 1_000;
/** The last notification has arrived and is stored so long after the last call was due, in ms. */
const LAG_MS_MAX = 2_000;
/** Resident size of a role in the last quarter of a run, compared with the second quarter: V8 collects its old generation at times, and a leak goes on. */
const MEMORY_GROWTH_MAX = 1.2;
/** In shorter runs a heap still finds its size, in s. */
const MEMORY_SECONDS_MIN = 120;
/** The next rate, where one cannot be held. */
const STEP_DOWN = 0.85;
const RATES_MAX = 12;
/** A machine that varies by half is slow for some seconds at times: a rate is given up after so many trials. */
const TRIALS_EACH = 2;
/** Long runs in all, most of which end early; one beside which others used the machine is repeated at its rate. */
const LONG_RUNS_MAX = 6;

export interface Search {
  /** The long run: the one that kept its limits, else the last one; without one the last trial. */
  run: MixedRun;
  isHeld: boolean;
  /** What was tried, in words. */
  tried: readonly string[];
}

/**
 * Finds a rate that is held for long. Trials say which rate is worth a long run; only the long run decides.
 * Ends at once where a promise is broken.
 */
export async function holdRate(
  wanted: number,
  { trial, long, say }: Record<"trial" | "long", (perSecond: number) => Promise<MixedRun>> & { say(line: string): void },
): Promise<Search> {
  const tried: string[] = [];
  const judge = (run: MixedRun) => {
    const faults = faultsIn(run);
    tried.push(`${run.perSecond}/s for ${run.seconds} s: ${faults.length === 0 ? "held" : `not held (${faults.join("; ")})`}`);
    say(tried.at(-1)!);
    return faults.length === 0;
  };
  let last: MixedRun | undefined;
  let longRun: MixedRun | undefined;
  let longRuns = 0;
  for (let [rates, perSecond] = [1, wanted]; rates <= RATES_MAX; rates++, perSecond = Math.round((perSecond * STEP_DOWN) / 10) * 10) {
    let isPromising = false;
    for (let i = 0; i < TRIALS_EACH && !isPromising; i++) {
      last = await trial(perSecond);
      isPromising = judge(last);
      if (isBroken(last)) return { run: last, isHeld: false, tried };
    }
    while (isPromising && longRuns < LONG_RUNS_MAX) {
      longRuns++;
      longRun = await long(perSecond);
      if (judge(longRun)) return { run: longRun, isHeld: true, tried };
      if (isBroken(longRun)) return { run: longRun, isHeld: false, tried };
      if (!isDisturbed(longRun.other)) break;
    }
    if (longRuns >= LONG_RUNS_MAX) break;
  }
  return { run: longRun ?? last!, isHeld: false, tried };
}

const isBroken = ({ fates }: MixedRun) => fates.lost + fates.twice + fates.rejectedArrived > 0;

/** Which limits a run did not keep; none: its rate was held. Pure. */
export function faultsIn(run: MixedRun): string[] {
  const { fates, report, lagMs, receipts, isGivenUp, memory, seconds } = run;
  const faults: string[] = [];
  const calls = fates.accepted + fates.rejected + fates.unclear;
  const needs = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };
  needs(!isGivenUp, "ended early");
  needs(fates.lost === 0, `${fates.lost} lost`);
  needs(fates.twice === 0, `${fates.twice} arrived more than once`);
  needs(fates.rejectedArrived === 0, `${fates.rejectedArrived} arrived although rejected`);
  needs(
    fates.rejected + fates.unclear <= REJECTED_SHARE_MAX * calls,
    `${fates.rejected} rejected, ${fates.unclear} without a clear answer`,
  );
  needs(report.unaryMs.p99 <= ACCEPT_MS_MAX, `accepted after ${Math.round(report.unaryMs.p99)} ms, p99`);
  needs(lagMs <= LAG_MS_MAX, `the last one ${Math.round(lagMs)} ms late`);
  needs(receipts.givenUp === 0, `${receipts.givenUp} receipts were not taken`);
  if (seconds >= MEMORY_SECONDS_MIN)
    for (const [role, growth] of memoryGrowth(memory))
      needs(growth <= MEMORY_GROWTH_MAX, `${role} grew to ${Math.round(growth * 100)} % of its size`);
  return faults;
}

/** By role: resident size in the last quarter of a run over that in the second quarter. */
export function memoryGrowth(memory: MixedRun["memory"]): [role: string, growth: number][] {
  return Object.entries(memory).map(([role, points]) => {
    const quarter = (n: number) => points.slice(Math.floor((points.length * (n - 1)) / 4), Math.ceil((points.length * n) / 4));
    const size = (n: number) => summaryOf(quarter(n).map(([, mib]) => mib)).median;
    return [role, size(4) / size(2)];
  });
}

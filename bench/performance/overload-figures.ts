import { status } from "@grpc/grpc-js";
import type { Arrived } from "../load/arrivals.ts";
import { OUTCOME } from "../load/outcomes.ts";
import {
  countOf,
  endedPerSecond,
  isAccepted,
  isAnsweredWithStatus,
  isBroken,
  latenciesMs,
  type PacedRun,
  statusCounts,
} from "../load/paced-run.ts";
import { percentileOfSorted } from "../percentile.ts";
import { summaryOf } from "../summary.ts";
import type { Answer, Curve, Figure, StoreName } from "./figure.ts";

export type Callers = "with deadlines" | "cancelling";

export interface Scenario {
  timesPeak: number;
  callers: Callers;
  connections: number;
}

export interface Overload extends Scenario {
  /** The highest rate from the call to the push, per second: the mean of what was measured before and after this overload. */
  peak: number;
  run: PacedRun;
  arrived: Arrived;
  /** Of the gateway, with seconds from the start. */
  rss: [seconds: number, mib: number][];
  rssAfterMiB: number;
  rssBeforeMiB: number;
  drainSeconds: number;
}

/** Then nothing is stored; after other codes a caller must not assume it. */
export const isExhausted = (run: PacedRun, outcome: number) =>
  isAnsweredWithStatus(outcome) && run.statuses[outcome - OUTCOME.status]?.code === status.RESOURCE_EXHAUSTED;

/** Pushes of accepted notifications that arrived while the overload lasted, per second. */
function goodput({ run, arrived }: Overload, seconds: number): number {
  const endUs = run.dueUs(0) + seconds * 1_000_000;
  let good = 0;
  for (const [call, outcome] of run.outcomes.entries()) if (isAccepted(outcome) && arrived.atUs[call]! <= endUs) good++;
  return good / seconds;
}

const isGivenUp = (outcome: number) => outcome === OUTCOME.expired || outcome === OUTCOME.expiredUnsent;

/** The share of the calls that were neither accepted nor cancelled, in percent. */
function shareOfRest(run: PacedRun, counts: number): number {
  const rest = countOf(run, (outcome) => !isAccepted(outcome) && outcome !== OUTCOME.cancelled);
  return rest === 0 ? 100 : (counts / rest) * 100;
}

const exhaustedWithRetryInfo = (run: PacedRun) =>
  statusCounts(run).reduce((sum, { status: s, count }) => sum + (s.code === status.RESOURCE_EXHAUSTED && s.hasRetryInfo ? count : 0), 0);

function valuesOf(overload: Overload, seconds: number): [what: string, unit: string, value: number][] {
  const { run, peak, rss, rssAfterMiB, rssBeforeMiB, drainSeconds } = overload;
  const accepted = latenciesMs(run, isAccepted);
  const rejected = latenciesMs(run, (outcome) => isExhausted(run, outcome));
  const good = goodput(overload, seconds);
  return [
    ["peak", "/s", peak],
    ["goodput / peak", "", good / peak],
    ["goodput", "/s", good],
    ["accepted", "/s", accepted.length / seconds],
    ["accept, p50", "ms", percentileOfSorted(accepted, 0.5)],
    ["accept, p99", "ms", percentileOfSorted(accepted, 0.99)],
    ["broken connections", "", run.connectionsLost + run.connectionsSentAway],
    ["calls broken without a status", "", countOf(run, isBroken)],
    ["of the rest answered RESOURCE_EXHAUSTED with RetryInfo", "%", shareOfRest(run, exhaustedWithRetryInfo(run))],
    ["of the rest given up by their callers at the deadline", "%", shareOfRest(run, countOf(run, isGivenUp))],
    ...(rejected.length > 0 ? [["reject, p99", "ms", percentileOfSorted(rejected, 0.99)] as [string, string, number]] : []),
    ["gateway RSS before", "MiB", rssBeforeMiB],
    ["gateway RSS, highest", "MiB", Math.max(...rss.map(([, mib]) => mib))],
    ["gateway RSS 10 s after", "MiB", rssAfterMiB],
    ["from the last call's due time to the last arrival", "s", drainSeconds],
  ];
}

const nameOf = ({ timesPeak, callers }: Scenario) => `${timesPeak} x peak, callers ${callers}`;

/** What one overload was like, for people. */
export function* linesOf(overload: Overload, seconds: number): Iterable<string> {
  yield `${nameOf(overload)}:`;
  for (const [what, unit, value] of valuesOf(overload, seconds)) yield `  ${what}: ${value.toPrecision(4)} ${unit}`;
  const { run } = overload;
  const counts = Object.entries(OUTCOME).map(([name, outcome]) => `${name} ${countOf(run, (o) => o === outcome)}`);
  yield `  outcomes: ${counts.slice(1, -1).join(", ")}; load's own delay ${run.ownDelayMs.mean.toFixed(1)} (at most ${run.ownDelayMs.max.toFixed(0)}) ms`;
  const brokenMs = latenciesMs(run, isBroken);
  if (brokenMs.length > 0)
    yield `  broken ${[0, 0.1, 0.5, 0.9, 1].map((share) => percentileOfSorted(brokenMs, share).toFixed(0)).join(", ")} ms after they were due; RST_STREAM by error code: ${JSON.stringify(run.resets)}`;
  for (const { status: s, count } of statusCounts(run))
    yield `  ${count} x ${status[s.code]} ${s.reason}${s.hasRetryInfo ? " with RetryInfo" : ""}: ${s.message}`;
}

export function answerOf(
  overloads: readonly Overload[],
  { store, peaks, seconds }: { store: StoreName; peaks: readonly number[]; seconds: number },
): Answer {
  const figures: Figure[] = overloads.flatMap((overload) =>
    valuesOf(overload, seconds).map(
      ([what, unit, value]): Figure => ({ row: "O1", what: `${nameOf(overload)}: ${what}`, store, unit, value: summaryOf([value]) }),
    ),
  );
  figures.unshift({ row: "O1", what: "peak", store, unit: "/s", value: summaryOf(peaks) });
  return { figures, curves: overloads.map((overload) => curveOf(overload, store)) };
}

function curveOf(overload: Overload, store: StoreName): Curve {
  const { run, rss, timesPeak, callers } = overload;
  const points = (values: readonly number[]) => values.map((value, second): [number, number] => [second, value]);
  return {
    name: `overload-${timesPeak}x-${callers.replace(" ", "-")}-${store}`,
    title: `Overload by ${timesPeak} x peak, callers ${callers}`,
    x: "seconds",
    y: "calls per second; MiB",
    lines: [
      { name: "accepted", points: points(endedPerSecond(run, isAccepted)) },
      { name: "rejected", points: points(endedPerSecond(run, isAnsweredWithStatus)) },
      { name: "given up", points: points(endedPerSecond(run, isGivenUp)) },
      { name: "gateway RSS", points: rss },
    ],
  };
}

import { setTimeout as delay } from "node:timers/promises";
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
  runPaced,
  statusCounts,
} from "../load/paced-run.ts";
import { percentileOfSorted } from "../percentile.ts";
import { residentBytes } from "../process-cpu.ts";
import { summaryOf } from "../summary.ts";
import type { Answer, Curve, Figure, Question, StoreName } from "./figure.ts";
import { type Installation, measurePeak, startInstallation } from "./installation.ts";

const OVERLOAD_SECONDS = 60;
const TIMES_PEAK = [2, 5];
const DEADLINE_MS = 5_000;
/** Connections, each with at most 100 calls: as from 64 pods of callers. */
const CONNECTIONS = 64;
const CANCELLING = { share: 0.2, afterMs: 200 };
const MIB = 1024 * 1024;
const RSS_EVERY_MS = 250;
/** After the last call; a gateway that has nothing to do has returned its memory by then. */
const CALM_MS = 10_000;
/** The whole backlog must be sent within this time: four times as long as at peak rate, and some minutes for retries by the relay. */
const drainMsMax = (pushes: number, peak: number) => (4 * pushes * 1_000) / peak + 180_000;

type Callers = "with deadlines" | "cancelling";

interface Scenario {
  timesPeak: number;
  callers: Callers;
  connections: number;
}

interface Overload extends Scenario {
  run: PacedRun;
  arrived: Arrived;
  /** Of the gateway, with seconds from the start. */
  rss: [seconds: number, mib: number][];
  rssAfterMiB: number;
  rssBeforeMiB: number;
  drainSeconds: number;
}

/** What does the gateway do when more is sent than the installation can send on? */
export const createOverload =
  (seconds: number, connections = CONNECTIONS, timesPeak: readonly number[] = TIMES_PEAK): Question =>
  async ({ store, storeUrl, say }) => {
    await using installation = await startInstallation(storeUrl);
    const peak = await measurePeak(installation);
    say(`peak: ${peak.toFixed(0)} notifications a second from the call to the push`);
    const overloads: Overload[] = [];
    for (const callers of ["with deadlines", "cancelling"] as const)
      for (const times of timesPeak) {
        const overload = await overloadBy(installation, { timesPeak: times, callers, connections }, { peak, seconds });
        for (const line of linesOf(overload, peak, seconds)) say(line);
        overloads.push(overload);
      }
    for (const line of await warningsOf(installation)) say(`  gateway: ${line}`);
    return answerOf(overloads, { store, peak, seconds });
  };

export const measureOverload = createOverload(OVERLOAD_SECONDS);

const WARNINGS_MAX = 20;

const warningsOf = async ({ gateway }: Installation): Promise<string[]> =>
  (await gateway.logged("")).filter((line) => /"level":"(warn|error|fatal)"/.test(line)).slice(0, WARNINGS_MAX);

async function overloadBy(
  { stub, load, gateway, target, pushed }: Installation,
  scenario: Scenario,
  { peak, seconds }: { peak: number; seconds: number },
): Promise<Overload> {
  const perSecond = Math.round(peak * scenario.timesPeak);
  const order = {
    ...{ ...target, perSecond, calls: perSecond * seconds, connections: scenario.connections, deadlineMs: DEADLINE_MS },
    ...(scenario.callers === "cancelling" ? { cancelling: CANCELLING } : {}),
    first: Date.now() * 1_000,
  };
  await stub.watch({ first: order.first, count: order.calls });
  const takenBefore = await stub.taken();
  const rssBeforeMiB = residentBytes(gateway.pid) / MIB;
  const began = performance.now();
  const rss: Overload["rss"] = [];
  const sampler = setInterval(() => rss.push([(performance.now() - began) / 1_000, residentBytes(gateway.pid) / MIB]), RSS_EVERY_MS);
  const run = await runPaced(load, order).finally(() => clearInterval(sampler));
  await delay(CALM_MS);
  const rssAfterMiB = residentBytes(gateway.pid) / MIB;
  const accepted = countOf(run, isAccepted);
  await pushed(takenBefore + accepted, drainMsMax(accepted, peak));
  const arrived = await stub.arrived();
  checkArrivals(run, arrived);
  const lastUs = arrived.atUs.reduce((latest, us) => (us > latest ? us : latest), 0);
  const drainSeconds = Math.max(0, (lastUs - run.startUs) / 1_000_000 - seconds);
  return { ...scenario, run, arrived, rss, rssBeforeMiB, rssAfterMiB, drainSeconds };
}

/** What was accepted has arrived once; what was rejected has not; of what the caller gave up nobody knows, but it arrived once at most. */
function checkArrivals(run: PacedRun, { times }: Arrived): void {
  let [lost, twice, rejected] = [0, 0, 0];
  for (const [call, outcome] of run.outcomes.entries()) {
    if (isAccepted(outcome) && times[call] === 0) lost++;
    if (times[call]! > 1) twice++;
    if (isAnsweredWithStatus(outcome) && isNothingStored(run, outcome) && times[call] !== 0) rejected++;
  }
  if (lost + twice + rejected > 0)
    throw new Error(`${lost} accepted notifications never arrived, ${twice} arrived more than once, ${rejected} arrived although rejected`);
}

/** After other codes the caller must not assume it. */
const isNothingStored = (run: PacedRun, outcome: number) => run.statuses[outcome - OUTCOME.status]?.code === status.RESOURCE_EXHAUSTED;

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

function valuesOf(overload: Overload, peak: number, seconds: number): [what: string, unit: string, value: number][] {
  const { run, rss, rssAfterMiB, rssBeforeMiB, drainSeconds } = overload;
  const accepted = latenciesMs(run, isAccepted);
  const rejected = latenciesMs(run, isAnsweredWithStatus);
  const good = goodput(overload, seconds);
  return [
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

function* linesOf(overload: Overload, peak: number, seconds: number): Iterable<string> {
  yield `${nameOf(overload)}:`;
  for (const [what, unit, value] of valuesOf(overload, peak, seconds)) yield `  ${what}: ${value.toPrecision(4)} ${unit}`;
  const { run } = overload;
  const counts = Object.entries(OUTCOME).map(([name, outcome]) => `${name} ${countOf(run, (o) => o === outcome)}`);
  yield `  outcomes: ${counts.slice(1, -1).join(", ")}; load's own delay ${run.ownDelayMs.mean.toFixed(1)} (at most ${run.ownDelayMs.max.toFixed(0)}) ms`;
  const brokenMs = latenciesMs(run, isBroken);
  if (brokenMs.length > 0)
    yield `  broken ${[0, 0.1, 0.5, 0.9, 1].map((share) => percentileOfSorted(brokenMs, share).toFixed(0)).join(", ")} ms after they were due; RST_STREAM by error code: ${JSON.stringify(run.resets)}`;
  for (const { status: s, count } of statusCounts(run))
    yield `  ${count} x ${status[s.code]} ${s.reason}${s.hasRetryInfo ? " with RetryInfo" : ""}: ${s.message}`;
}

function answerOf(overloads: readonly Overload[], { store, peak, seconds }: { store: StoreName; peak: number; seconds: number }): Answer {
  const figures: Figure[] = overloads.flatMap((overload) =>
    valuesOf(overload, peak, seconds).map(
      ([what, unit, value]): Figure => ({ row: "O1", what: `${nameOf(overload)}: ${what}`, store, unit, value: summaryOf([value]) }),
    ),
  );
  figures.unshift({ row: "O1", what: "peak", store, unit: "/s", value: summaryOf([peak]) });
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

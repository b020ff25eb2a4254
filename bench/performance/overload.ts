import { setTimeout as delay } from "node:timers/promises";
import type { Arrived } from "../load/arrivals.ts";
import { countOf, isAccepted, type PacedRun, runPaced } from "../load/paced-run.ts";
import { residentBytes } from "../process-cpu.ts";
import type { PushStub } from "../quick/push-stub.ts";
import type { Question } from "./figure.ts";
import { type Installation, measurePeak, measurePeakAgain, startInstallation } from "./installation.ts";
import { answerOf, isExhausted, linesOf, type Overload, type Scenario } from "./overload-figures.ts";

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
/** Between two readings of all arrivals, which take some ms. */
const ARRIVED_POLL_MS = 1_000;
/** The whole backlog must be sent within this time: four times as long as at peak rate, and some minutes for retries by the relay. */
const drainMsMax = (pushes: number, peak: number) => (4 * pushes * 1_000) / peak + 180_000;

/** What does the gateway do when more is sent than the installation can send on? */
export const createOverload =
  (seconds: number, connections = CONNECTIONS, timesPeak: readonly number[] = TIMES_PEAK): Question =>
  async ({ store, storeUrl, say }) => {
    await using installation = await startInstallation(storeUrl);
    // Before and after each overload, because the machine's speed changes within minutes.
    const peaks = [await measurePeak(installation)];
    say(`peak: ${peaks[0]!.toFixed(0)} notifications a second from the call to the push`);
    const overloads: Overload[] = [];
    for (const callers of ["with deadlines", "cancelling"] as const)
      for (const times of timesPeak) {
        const before = peaks.at(-1)!;
        const ended = await overloadBy(installation, { timesPeak: times, callers, connections }, { peak: before, seconds });
        const after = await measurePeakAgain(installation, before);
        const overload = { ...ended, peak: (before + after) / 2 };
        for (const line of linesOf(overload, seconds)) say(line);
        peaks.push(after);
        overloads.push(overload);
      }
    for (const line of await warningsOf(installation)) say(`  gateway: ${line}`);
    return answerOf(overloads, { store, peaks, seconds });
  };

export const measureOverload = createOverload(OVERLOAD_SECONDS);

const WARNINGS_MAX = 20;

const warningsOf = async ({ gateway }: Installation): Promise<string[]> =>
  (await gateway.logged("")).filter((line) => /"level":"(warn|error|fatal)"/.test(line)).slice(0, WARNINGS_MAX);

async function overloadBy(
  { stub, load, gateway, target, pushed }: Installation,
  scenario: Scenario,
  { peak, seconds }: { peak: number; seconds: number },
): Promise<Omit<Overload, "peak">> {
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
  const drainEndsAt = performance.now() + drainMsMax(accepted, peak);
  await pushed(takenBefore + accepted, drainEndsAt - performance.now());
  const arrived = await awaitAccepted(stub, run, drainEndsAt);
  checkArrivals(run, arrived);
  const lastUs = arrived.atUs.reduce((latest, us) => (us > latest ? us : latest), 0);
  const drainSeconds = Math.max(0, (lastUs - run.startUs) / 1_000_000 - seconds);
  return { ...scenario, run, arrived, rss, rssBeforeMiB, rssAfterMiB, drainSeconds };
}

/**
 * Until all that was accepted has arrived, or until `endsAt`. The number of pushes does not tell: calls that their callers cancelled may have been stored too,
 * and are sent before others.
 */
async function awaitAccepted(stub: PushStub, run: PacedRun, endsAt: number): Promise<Arrived> {
  for (;;) {
    const arrived = await stub.arrived();
    const isAll = [...run.outcomes.entries()].every(([call, outcome]) => !isAccepted(outcome) || arrived.times[call]! > 0);
    if (isAll || performance.now() > endsAt) return arrived;
    await delay(ARRIVED_POLL_MS);
  }
}

/** What was accepted has arrived once; what was rejected has not; of what the caller gave up nobody knows, but it arrived once at most. */
function checkArrivals(run: PacedRun, { times }: Arrived): void {
  let [lost, twice, rejected] = [0, 0, 0];
  for (const [call, outcome] of run.outcomes.entries()) {
    if (isAccepted(outcome) && times[call] === 0) lost++;
    if (times[call]! > 1) twice++;
    if (isExhausted(run, outcome) && times[call] !== 0) rejected++;
  }
  if (lost + twice + rejected > 0)
    throw new Error(`${lost} accepted notifications never arrived, ${twice} arrived more than once, ${rejected} arrived although rejected`);
}

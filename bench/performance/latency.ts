import { setTimeout as delay } from "node:timers/promises";
import { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import type { Arrived } from "../load/arrivals.ts";
import { countOf, isAccepted, type PacedRun, runPaced } from "../load/paced-run.ts";
import { monotonicUs } from "../monotonic.ts";
import { percentileOfSorted } from "../percentile.ts";
import { summaryOf } from "../summary.ts";
import type { Answer, Curve, Figure, Question } from "./figure.ts";
import { type Installation, measurePeak, startInstallation } from "./installation.ts";

const { NOTIFICATION_CLASS_CRITICAL: CRITICAL, NOTIFICATION_CLASS_MARKETING: MARKETING } = NotificationClass;
const LOADS_PERCENT = [10, 25, 50, 75, 90];
/** Of peak: for L1, and for the critical notifications beside and without a backlog. */
const HALF = 0.5;
const BESIDE = 0.1;
const CONNECTIONS = 8;
/** Above any latency of these loads: nothing is given up. */
const DEADLINE_MS = 20_000;
/** The first seconds of a pace are not counted: what was before it ends. */
const LEAD_SECONDS = 1;
/** Longest wait for the last pushes of a pace. */
const ARRIVED_MS = 30_000;
/** Until the marketing notifications are due, as all must be accepted before: batches are accepted at three times the peak at least. */
const scheduleMs = (marketing: number, peak: number) => 10_000 + (marketing / (3 * peak)) * 1_000;
/** The paced notifications beside a backlog go on for this many times the time that it would take at peak rate. */
const BACKLOG_TIMES = 2;
const BACKLOG_MS_MAX = 180_000;
const TAKEN_EVERY_MS = 250;

interface Sizes {
  /** Of a pace, in seconds. */
  seconds: number;
  rounds: number;
  marketing: number;
}

/** Latencies in ms, ascending. */
interface Latencies {
  /** From the time that a call was due to the arrival of its push. */
  fromDue: Float64Array;
  /** From its answer; below 0 where the push was faster than the answer. */
  fromAnswer: Float64Array;
}

/** How long does a critical notification take from its acceptance to its provider? */
export const createLatency =
  ({ seconds, rounds, marketing }: Sizes): Question =>
  async ({ store, storeUrl, say }) => {
    await using installation = await startInstallation(storeUrl);
    const peak = await measurePeak(installation);
    say(`peak: ${peak.toFixed(0)} notifications a second from the call to the push`);
    const at = (share: number) => paced(installation, Math.max(1, Math.round(peak * share)), seconds);

    const half: Latencies[] = [];
    for (let i = 0; i < rounds; i++) half.push(latenciesOf(await at(HALF)));
    say(`at half of peak: ${shown(half)}`);
    const loads: { percent: number; latencies: Latencies }[] = [];
    for (const percent of LOADS_PERCENT) {
      const latencies = latenciesOf(await at(percent / 100));
      loads.push({ percent, latencies });
      say(`at ${percent} % of peak: ${shown([latencies])}`);
    }
    const quiet: Latencies[] = [];
    const beside: Backlog[] = [];
    for (let i = 0; i < rounds; i++) {
      quiet.push(latenciesOf(await at(BESIDE)));
      beside.push(await besideBacklog(installation, peak, marketing));
      say(`quiet: ${shown(quiet.slice(-1))}; beside ${marketing} due at once: ${shown([beside.at(-1)!.latencies])}`);
      say(`  the backlog was sent within ${beside.at(-1)!.drainSeconds.toFixed(1)} s`);
    }

    const figures: Figure[] = [];
    const add = (row: "L1" | "L2", what: string, values: readonly number[], unit = "ms") =>
      figures.push({ row, what, store, unit, value: summaryOf(values) });
    add("L1", "rate, half of peak", [peak * HALF], "/s");
    for (const [name, share] of PERCENTILES) {
      add("L1", `from due to the provider at half of peak, ${name}`, percentilesOf(half, "fromDue", share));
      add("L1", `from the answer to the provider at half of peak, ${name}`, percentilesOf(half, "fromAnswer", share));
    }
    add("L2", "rate of critical ones, a tenth of peak", [peak * BESIDE], "/s");
    const besideLatencies = beside.map(({ latencies }) => latencies);
    for (const [name, share] of PERCENTILES) {
      const [over, under] = [percentilesOf(besideLatencies, "fromDue", share), percentilesOf(quiet, "fromDue", share)];
      add(
        "L2",
        `from due to the provider beside ${marketing} marketing due at once / quiet, ${name}`,
        over.map((ms, i) => ms / under[i]!),
        "",
      );
      add("L2", `from due to the provider beside ${marketing} marketing due at once, ${name}`, over);
      add("L2", `from due to the provider, quiet, ${name}`, under);
    }
    add(
      "L2",
      `until ${marketing} marketing due at once were sent`,
      beside.map(({ drainSeconds }) => drainSeconds),
      "s",
    );
    const load: Curve = {
      ...{ name: `load-latency-${store}`, title: "Load and latency", x: "% of peak", y: "ms from due to the provider" },
      lines: PERCENTILES.map(([name, share]) => ({
        name,
        points: loads.map(({ percent, latencies }): [number, number] => [percent, percentileOfSorted(latencies.fromDue, share)]),
      })),
    };
    const drain: Curve = {
      ...{ name: `backlog-drain-${store}`, title: `${marketing} marketing due at once`, x: "seconds", y: "sent per second" },
      lines: beside.map(({ drained }, i) => ({ name: `round ${i + 1}`, points: drained })),
    };
    return { figures, curves: [load, drain] } satisfies Answer;
  };

export const measureLatency = createLatency({ seconds: 15, rounds: 3, marketing: 50_000 });

const PERCENTILES = [
  ["p50", 0.5],
  ["p99", 0.99],
] as const;

const percentilesOf = (all: readonly Latencies[], from: keyof Latencies, share: number) =>
  all.map((latencies) => percentileOfSorted(latencies[from], share));

function shown(all: readonly Latencies[]): string {
  const of = (from: keyof Latencies, share: number) => summaryOf(percentilesOf(all, from, share)).median.toFixed(1);
  return `p50 ${of("fromDue", 0.5)} ms, p99 ${of("fromDue", 0.99)} ms (from the answer ${of("fromAnswer", 0.5)} and ${of("fromAnswer", 0.99)})`;
}

interface Pace {
  run: PacedRun;
  arrived: Arrived;
}

/** Critical notifications at this rate; resolves when all have arrived. */
async function paced({ stub, load, target, pushed }: Installation, perSecond: number, seconds: number, others = 0): Promise<Pace> {
  const calls = Math.round(perSecond * seconds);
  const order = { ...target, notificationClass: CRITICAL, perSecond, calls, connections: CONNECTIONS, deadlineMs: DEADLINE_MS };
  const first = Date.now() * 1_000;
  await stub.watch({ first, count: calls });
  const before = await stub.taken();
  const run = await runPaced(load, { ...order, first });
  const accepted = countOf(run, isAccepted);
  if (accepted < calls) throw new Error(`${calls - accepted} of ${calls} notifications were not accepted`);
  await pushed(before + calls + others, others === 0 ? ARRIVED_MS : BACKLOG_MS_MAX);
  const arrived = await stub.arrived();
  const wrong = arrived.times.reduce((sum, times) => sum + (times === 1 ? 0 : 1), 0);
  if (wrong > 0) throw new Error(`${wrong} of ${calls} notifications did not arrive exactly once`);
  return { run, arrived };
}

/** Of the calls that were due in this time; without one, of all after the first seconds. */
function latenciesOf({ run, arrived }: Pace, due?: { fromUs: number; toUs: number }): Latencies {
  const { fromUs, toUs } = due ?? { fromUs: run.dueUs(0) + LEAD_SECONDS * 1_000_000, toUs: Number.POSITIVE_INFINITY };
  const calls = [...run.outcomes.keys()].filter((call) => run.dueUs(call) >= fromUs && run.dueUs(call) <= toUs);
  const since = (us: (call: number) => number) => Float64Array.from(calls, (call) => (arrived.atUs[call]! - us(call)) / 1_000).sort();
  return { fromDue: since(run.dueUs), fromAnswer: since(run.endedUs) };
}

interface Backlog {
  latencies: Latencies;
  drainSeconds: number;
  /** Marketing pushes per second, by second since they were due. */
  drained: [second: number, perSecond: number][];
}

/** The critical ones that were due while the backlog was sent. */
async function besideBacklog(installation: Installation, peak: number, marketing: number): Promise<Backlog> {
  const { stub, sendBatches } = installation;
  const sendAt = Date.now() + Math.round(scheduleMs(marketing, peak));
  const before = await stub.taken();
  await sendBatches({ notifications: marketing, notificationClass: MARKETING, sendAt });
  const leftMs = sendAt - Date.now();
  if (leftMs < 0) throw new Error(`${marketing} notifications could not be accepted before they were due`);
  const dueUs = monotonicUs() + leftMs * 1_000;
  await delay(Math.max(0, leftMs - LEAD_SECONDS * 1_000));
  const taken: { us: number; pushes: number }[] = [];
  const stopping = new AbortController();
  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      taken.push({ us: monotonicUs(), pushes: (await stub.taken()) - before });
      await delay(TAKEN_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  const seconds = LEAD_SECONDS + Math.ceil((BACKLOG_TIMES * marketing) / peak);
  const pace = await paced(installation, Math.max(1, Math.round(peak * BESIDE)), seconds, marketing).finally(() => stopping.abort());
  await sampling;
  const arrivedUs = Float64Array.from(pace.arrived.atUs).sort();
  const sent = taken.map(({ us, pushes }) => ({ us, pushes: pushes - arrivedUs.filter((at) => at <= us).length }));
  // A sample and the arrivals that belong to it are a few pushes apart.
  const doneUs = sent.find(({ pushes }) => pushes >= marketing - CONNECTIONS)?.us ?? taken.at(-1)!.us;
  return {
    latencies: latenciesOf(pace, { fromUs: dueUs, toUs: doneUs }),
    drainSeconds: (doneUs - dueUs) / 1_000_000,
    drained: perSecondSince(dueUs, sent),
  };
}

function perSecondSince(sinceUs: number, samples: readonly { us: number; pushes: number }[]): [number, number][] {
  const points: [number, number][] = [];
  let last = { us: sinceUs, pushes: 0 };
  for (const sample of samples) {
    if (sample.us - last.us < 1_000_000) continue;
    points.push([Math.round((sample.us - sinceUs) / 1_000_000), (sample.pushes - last.pushes) / ((sample.us - last.us) / 1_000_000)]);
    last = sample;
  }
  return points;
}

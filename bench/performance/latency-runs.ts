import { setTimeout as delay } from "node:timers/promises";
import { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import type { Arrived } from "../load/arrivals.ts";
import { countOf, isAccepted, type PacedRun, runPaced } from "../load/paced-run.ts";
import { monotonicUs } from "../monotonic.ts";
import type { Installation } from "./installation.ts";

const { NOTIFICATION_CLASS_CRITICAL: CRITICAL, NOTIFICATION_CLASS_MARKETING: MARKETING } = NotificationClass;
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

/** Latencies in ms, ascending. */
export interface Latencies {
  /** From the time that a call was due to the arrival of its push. */
  fromDue: Float64Array;
  /** From its answer; below 0 where the push was faster than the answer. */
  fromAnswer: Float64Array;
}

/** The installation does not hold this rate. */
export class RejectedError extends Error {}

interface Pace {
  run: PacedRun;
  arrived: Arrived;
}

/** Critical notifications at this rate; resolves when all have arrived. */
export async function paced({ stub, load, target, pushed }: Installation, perSecond: number, seconds: number, others = 0): Promise<Pace> {
  const calls = Math.round(perSecond * seconds);
  const order = { ...target, notificationClass: CRITICAL, perSecond, calls, connections: CONNECTIONS, deadlineMs: DEADLINE_MS };
  const first = Date.now() * 1_000;
  await stub.watch({ first, count: calls });
  const before = await stub.taken();
  const run = await runPaced(load, { ...order, first });
  const accepted = countOf(run, isAccepted);
  await pushed(before + accepted + others, others === 0 ? ARRIVED_MS : BACKLOG_MS_MAX);
  // What was accepted has arrived, so that the next pace begins with nothing under way.
  if (accepted < calls) throw new RejectedError(`${calls - accepted} of ${calls} notifications were not accepted`);
  const arrived = await stub.arrived();
  const wrong = arrived.times.reduce((sum, times) => sum + (times === 1 ? 0 : 1), 0);
  if (wrong > 0) throw new Error(`${wrong} of ${calls} notifications did not arrive exactly once`);
  return { run, arrived };
}

/** Of the calls that were due in this time; without one, of all after the first seconds. */
export function latenciesOf({ run, arrived }: Pace, due?: { fromUs: number; toUs: number }): Latencies {
  const { fromUs, toUs } = due ?? { fromUs: run.dueUs(0) + LEAD_SECONDS * 1_000_000, toUs: Number.POSITIVE_INFINITY };
  const calls = [...run.outcomes.keys()].filter((call) => run.dueUs(call) >= fromUs && run.dueUs(call) <= toUs);
  const since = (us: (call: number) => number) => Float64Array.from(calls, (call) => (arrived.atUs[call]! - us(call)) / 1_000).sort();
  return { fromDue: since(run.dueUs), fromAnswer: since(run.endedUs) };
}

export interface Backlog {
  latencies: Latencies;
  drainSeconds: number;
  /** Marketing pushes per second, by second since they were due. */
  drained: [second: number, perSecond: number][];
}

/** Critical notifications at a share of the peak beside a backlog: those that were due while it was sent. */
export async function besideBacklog(
  installation: Installation,
  { peak, share, marketing }: { peak: number; share: number; marketing: number },
): Promise<Backlog> {
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
  const pace = await paced(installation, Math.max(1, Math.round(peak * share)), seconds, marketing).finally(() => stopping.abort());
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

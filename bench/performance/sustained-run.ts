import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { type ArrivalsReport, readArrivals } from "../load/arrivals.ts";
import { unpack8 } from "../load/packed.ts";
import { mixedChannelOf } from "../load-mix.ts";
import { percentile } from "../percentile.ts";
import { cpuMs, type OtherLoad, otherLoad, readMachine, residentBytes } from "../process-cpu.ts";
import { FATE, type MixedOrder, type MixedProgress, type MixedReport } from "../programs/mixed-load.ts";
import type { StubState } from "../programs/provider-stub.ts";
import type { MixedSystem } from "./sustained-system.ts";

/** Length of an order to the load generator, and time between two readings of memory and of what has arrived; s. */
const ORDER_SECONDS = 5;
/** Wait for the answer to an order: for those of the last calls, where the rate cannot be held; ms. */
const ORDER_MS_MAX = 120_000;
/** A run ends early where so many seconds of notifications are due and have not arrived: that rate cannot be held. */
const BEHIND_SECONDS_MAX = 20;
/** A caller repeats what is rejected; more than a few of them, as a share of the run's notifications, mean that the rate is too high. It ends early too. */
export const REJECTED_SHARE_MAX = 0.001;
/** Longest wait for what is left after a run; more than any retry takes. */
const DRAINED_MS = 600_000;
const POLL_MS = 20;
const MIB = 2 ** 20;

/** What became of a run's notifications: for their callers, and at the stubs of the providers. */
export interface Fates {
  accepted: number;
  rejected: number;
  unclear: number;
  /** Accepted and never arrived. */
  lost: number;
  /** Arrived more than once. */
  twice: number;
  /** Arrived although rejected. */
  rejectedArrived: number;
  arrived: Record<Channel, number>;
}

export interface MixedRun {
  perSecond: number;
  /** As long as calls were made; less than ordered where the run was given up. */
  seconds: number;
  isGivenUp: boolean;
  report: MixedReport;
  fates: Fates;
  /** From when a call for one notification was due to its arrival, in ms. */
  arrivalMs: { p50: number; p99: number };
  /** From when the last call was due until everything had arrived, was stored, and had its receipts. */
  lagMs: number;
  /** Receipts that the feedback role has answered with success, and those that it never did. */
  receipts: { told: number; givenUp: number };
  /** By process: share of one core while calls were made. */
  coreShare: Readonly<Record<string, number>>;
  other: OtherLoad;
  /** By role: resident MiB over time. */
  memory: Readonly<Record<string, readonly (readonly [s: number, mib: number])[]>>;
}

/** Compares what callers were told with what arrived. Pure. @param times by channel and notification: how often it has arrived */
export function fatesOf(fates: Uint8Array, times: Readonly<Record<Channel, Uint8Array>>): Fates {
  const arrived = Object.fromEntries(CHANNELS.map((channel) => [channel, 0])) as Record<Channel, number>;
  const counts = { accepted: 0, rejected: 0, unclear: 0, lost: 0, twice: 0, rejectedArrived: 0, arrived };
  for (const [n, fate] of fates.entries()) {
    const channel = mixedChannelOf(n);
    const arrivals = times[channel][n] ?? 0;
    arrived[channel] += arrivals;
    if (arrivals > 1) counts.twice++;
    if (fate === FATE.accepted) counts.accepted++;
    if (fate === FATE.rejected) counts.rejected++;
    if (fate === FATE.unclear) counts.unclear++;
    if (fate === FATE.accepted && arrivals === 0) counts.lost++;
    if (fate === FATE.rejected && arrivals > 0) counts.rejectedArrived++;
  }
  return counts;
}

/** Sends at this rate, and waits until nothing is under way any more. */
export async function runMixed(
  system: MixedSystem,
  { perSecond, seconds }: { perSecond: number; seconds: number },
  say?: (line: string) => void,
): Promise<MixedRun> {
  const { load, pids, roles, stubs, target } = system;
  const states = () => Promise.all(CHANNELS.map((channel) => stubs[channel].ask<StubState>()));
  const read = () => ({ machine: readMachine(), cpu: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMs(pid)])) });
  // Numbers that no earlier notification has.
  const [first, count] = [Date.now() * 1_000, Math.ceil(perSecond * seconds)];
  for (const channel of CHANNELS) await stubs[channel].ask({ watch: { channel, first, count } });
  const before = totalsOf(await states());
  const memory = Object.fromEntries(roles.map((role) => [role, [] as [number, number][]]));
  const [from, began] = [read(), performance.now()];
  let [untilSecond, isGivenUp] = [0, false];
  let report: MixedReport | undefined;
  while (report === undefined) {
    if (!isGivenUp) untilSecond = Math.min(seconds, untilSecond + ORDER_SECONDS);
    const isLast = isGivenUp || untilSecond === seconds;
    const order: MixedOrder = { ...target, perSecond, first, count, untilSecond, isLast };
    const answer = await load.ask<MixedReport | MixedProgress>(order, ORDER_MS_MAX);
    for (const role of roles) memory[role]!.push([untilSecond, residentBytes(pids[role]!) / MIB]);
    if ("fates" in answer) report = answer;
    else {
      const behind = answer.due - answer.notAccepted - (totalsOf(await states()).taken - before.taken);
      isGivenUp = behind > BEHIND_SECONDS_MAX * perSecond || answer.notAccepted > REJECTED_SHARE_MAX * count;
      if (untilSecond % 60 === 0)
        say?.(
          `  ${untilSecond} s: ${behind} under way; ${roles.map((role) => `${role} ${Math.round(memory[role]!.at(-1)![1])} MiB`).join(", ")}`,
        );
    }
  }
  const [to, ms] = [read(), performance.now() - began];
  await calm(system);
  const lagMs = performance.now() - (began + untilSecond * 1_000);
  const arrivals = await arrivalsOf(system);
  const told = totalsOf(await states());
  const fates = unpack8(report.fates);
  return {
    ...{ perSecond, seconds: untilSecond, isGivenUp, report, memory },
    fates: fatesOf(
      fates,
      mappedBy((channel) => arrivals[channel].times),
    ),
    arrivalMs: arrivalMsOf(fates, arrivals, report.startUs, perSecond),
    lagMs,
    receipts: { told: told.told - before.told, givenUp: told.givenUp - before.givenUp },
    coreShare: Object.fromEntries(Object.keys(pids).map((name) => [name, (to.cpu[name]! - from.cpu[name]!) / ms])),
    other: otherLoad(from.machine, to.machine, availableParallelism()),
  };
}

/** Also resolves after the limit: what has not arrived then counts as lost. */
async function calm({ isCalm }: MixedSystem): Promise<void> {
  const giveUpAt = performance.now() + DRAINED_MS;
  while (!(await isCalm()) && performance.now() < giveUpAt) await delay(POLL_MS);
}

const totalsOf = (states: readonly StubState[]) => ({
  taken: states.reduce((sum, { taken }) => sum + taken, 0),
  told: states.reduce((sum, { receipts }) => sum + (receipts?.told ?? 0), 0),
  givenUp: states.reduce((sum, { receipts }) => sum + (receipts?.givenUp ?? 0), 0),
});

const mappedBy = <T>(of: (channel: Channel) => T) =>
  Object.fromEntries(CHANNELS.map((channel) => [channel, of(channel)])) as Record<Channel, T>;

type ByChannel = Record<Channel, ReturnType<typeof readArrivals>>;

async function arrivalsOf({ stubs }: MixedSystem): Promise<ByChannel> {
  const reports = await Promise.all(CHANNELS.map((channel) => stubs[channel].ask<ArrivalsReport>({ report: true })));
  return mappedBy((channel) => readArrivals(reports[CHANNELS.indexOf(channel)]!));
}

/** Of those that were sent one by one; the items of a batch wait until it is full. */
function arrivalMsOf(fates: Uint8Array, arrivals: ByChannel, startUs: number, perSecond: number): MixedRun["arrivalMs"] {
  const ms: number[] = [];
  for (let n = 0; n < fates.length; n += 2) {
    const atUs = arrivals[mixedChannelOf(n)].atUs[n] ?? Number.NaN;
    if (!Number.isNaN(atUs)) ms.push((atUs - startUs) / 1_000 - (n / perSecond) * 1_000);
  }
  return { p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) };
}

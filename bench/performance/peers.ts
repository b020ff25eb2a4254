import { setTimeout as delay } from "node:timers/promises";
import type { Arrived } from "../load/arrivals.ts";
import { countOf, isAccepted, type PacedRun, runPaced } from "../load/paced-run.ts";
import { percentile } from "../percentile.ts";
import { residentBytes } from "../process-cpu.ts";
import { type Program, startProgram } from "../program.ts";
import { callGateway } from "../quick/call-gateway.ts";
import { awaitPushed } from "../quick/pushed.ts";
import { summaryOf } from "../summary.ts";
import type { Figure, Question } from "./figure.ts";
import { installPeers, PEERS, type PeerSystem } from "./peer-systems.ts";

const MIB = 1_024 ** 2;
/** Beyond it a notification was lost, although nothing was killed. */
const ARRIVED_MS = 60_000;
/** Above any latency of half a peer's rate. */
const DEADLINE_MS = 20_000;
const CONNECTIONS = 8;
/** Compiles what is hot. */
const WARM_UP_NOTIFICATIONS = 3_000;

export interface PeerSizes {
  /** Rounds of the closed loop, and of the pace. */
  rounds: number;
  /** Length of each. */
  roundMs: number;
  /** Of the pace during which the sender is killed. */
  killing: Killing;
}

interface Killing {
  perSecond: number;
  forMs: number;
  everyMs: number;
  /** How long the provider takes to answer: with answers at once, hardly anything is on its way when the sender is killed. */
  answerMs: number;
  /** Time after the last peer's load until pushes are counted. */
  settleMs: number;
}

/** What became of the notifications that were sent while the sender was killed. */
export interface Losses {
  called: number;
  answered: number;
  /** Answered and never pushed. */
  lost: number;
  /** Pushed more than once. */
  twice: number;
  /** Their callers got no answer, or an error. */
  unanswered: number;
  /** Those of them that were pushed nevertheless: a caller that repeats them sends them twice. */
  unansweredPushed: number;
}

export function lossesOf(run: Pick<PacedRun, "outcomes">, { times }: Pick<Arrived, "times">): Losses {
  const losses: Losses = { called: run.outcomes.length, answered: 0, lost: 0, twice: 0, unanswered: 0, unansweredPushed: 0 };
  for (const [call, outcome] of run.outcomes.entries()) {
    const pushes = times[call] ?? 0;
    if (pushes > 1) losses.twice++;
    if (isAccepted(outcome)) {
      losses.answered++;
      if (pushes === 0) losses.lost++;
    } else {
      losses.unanswered++;
      if (pushes > 0) losses.unansweredPushed++;
    }
  }
  return losses;
}

/** Numbers that no earlier notification has used. */
const nextNumber = () => Date.now() * 1_000;
const countMiB = ({ pids }: PeerSystem) => pids().reduce((sum, pid) => sum + residentBytes(pid), 0) / MIB;

const untilPushed = (peer: PeerSystem, pushes: number) => awaitPushed(peer, { pushes, limitMs: ARRIVED_MS });

/** Calls in a closed loop; resolves, once all are pushed, to pushes per second. */
async function convey(peer: PeerSystem, load: Program, notifications: number): Promise<number> {
  const before = await peer.stub.taken();
  const began = performance.now();
  const { items } = await callGateway(load, { ...peer.target, batch: 0, notifications });
  return items / (((await untilPushed(peer, before + items)) - began) / 1_000);
}

/** ms from the time at which each call was due to its push, at a fixed rate. */
async function latenciesMs(peer: PeerSystem, load: Program, perSecond: number, ms: number): Promise<number[]> {
  const calls = Math.ceil((perSecond * ms) / 1_000);
  const first = nextNumber();
  const before = await peer.stub.taken();
  await peer.stub.watch({ first, count: calls });
  const run = await runPaced(load, { ...peer.target, perSecond, calls, connections: CONNECTIONS, deadlineMs: DEADLINE_MS, first });
  const answered = countOf(run, isAccepted);
  if (answered < calls) throw new Error(`${calls - answered} of ${calls} calls were not answered`);
  await untilPushed(peer, before + calls);
  const { atUs } = await peer.stub.arrived();
  return Array.from(atUs, (us, call) => (us - run.dueUs(call)) / 1_000);
}

/** Sends at a fixed rate while the sender is killed again and again. */
async function killSender(peer: PeerSystem, load: Program, { perSecond, forMs, everyMs, answerMs }: Killing): Promise<PacedRun> {
  const calls = Math.ceil((perSecond * forMs) / 1_000);
  const first = nextNumber();
  await peer.stub.answerAfter(answerMs);
  await peer.stub.watch({ first, count: calls });
  const running = runPaced(load, { ...peer.target, perSecond, calls, connections: CONNECTIONS, deadlineMs: DEADLINE_MS, first });
  // Its error is thrown below, where the kills have ended.
  running.catch(() => undefined);
  const began = performance.now();
  for (let at = everyMs; at < forMs; at += everyMs) {
    await delay(Math.max(0, began + at - performance.now()));
    await peer.killSender();
  }
  return await running;
}

/** What do other ways to build it send, and what do they lose when the process that sends dies? */
export const createPeers =
  ({ rounds, roundMs, killing }: PeerSizes): Question =>
  async ({ storeUrl, say }) => {
    await using stack = new AsyncDisposableStack();
    const load = stack.use(startProgram(["bench/programs/load.ts"]));
    const packages = packagesOrNone(say);
    const figures: Figure[] = [];
    const add = (peer: string, what: string, unit: string, values: readonly number[]) =>
      figures.push({ row: "peers", what: `${peer}: ${what}`, unit, value: summaryOf(values) });
    const killed: { name: string; peer: PeerSystem; run: PacedRun }[] = [];

    for (const { name, installed, start } of PEERS) {
      if (installed && packages === undefined) continue;
      const peer = stack.use(await start(storeUrl, packages ?? ""));
      await convey(peer, load, WARM_UP_NOTIFICATIONS);
      const each = Math.round((await convey(peer, load, WARM_UP_NOTIFICATIONS)) * (roundMs / 1_000));
      const rates: number[] = [];
      for (let i = 0; i < rounds; i++) rates.push(await convey(peer, load, each));
      const half = Math.max(1, Math.round(summaryOf(rates).median / 2));
      const paced: number[][] = [];
      for (let i = 0; i < rounds; i++) paced.push(await latenciesMs(peer, load, half, roundMs));
      const p99 = paced.map((latencies) => percentile(latencies, 0.99));
      add(name, "sent", "/s", rates);
      add(
        name,
        "p50 from call to push at half of that",
        "ms",
        paced.map((latencies) => percentile(latencies, 0.5)),
      );
      add(name, "p99", "ms", p99);
      add(name, "resident, all its processes", "MiB", [countMiB(peer)]);
      say(`${name}: ${Math.round(summaryOf(rates).median)}/s, p99 ${summaryOf(p99).median.toFixed(1)} ms at ${half}/s`);
      killed.push({ name, peer, run: await killSender(peer, load, killing) });
    }
    say(`waiting ${killing.settleMs / 1_000} s for what is repeated late`);
    await delay(killing.settleMs);
    for (const { name, peer, run } of killed) {
      const losses = lossesOf(run, await peer.stub.arrived());
      say(`${name}, killed: ${JSON.stringify(losses)}`);
      add(name, "sent under kill -9", "", [losses.called]);
      add(name, "answered, never pushed", "", [losses.lost]);
      add(name, "pushed twice", "", [losses.twice]);
      add(name, "not answered", "", [losses.unanswered]);
      add(name, "of those pushed", "", [losses.unansweredPushed]);
    }
    return { figures };
  };

function packagesOrNone(say: (line: string) => void): string | undefined {
  try {
    return installPeers();
  } catch (error) {
    say(`only Carillon and the naive build are measured, as the other peers cannot be installed: ${error}`);
    return undefined;
  }
}

export const measurePeers = createPeers({
  ...{ rounds: 8, roundMs: 2_000 },
  // Longer than BullMQ's lock of 90 s and its check for stalled jobs every 30 s, and than NATS's redelivery and Carillon's lease.
  killing: { perSecond: 200, forMs: 30_000, everyMs: 5_000, answerMs: 50, settleMs: 150_000 },
});

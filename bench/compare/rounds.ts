import { availableParallelism } from "node:os";
import { cpuMs, type OtherLoad, otherLoad, readMachine } from "../process-cpu.ts";
import { type Spread, spreadOf } from "../spread.ts";

/** What one slice got done. */
export interface Work {
  /** At most as many as were asked for. */
  items: number;
  /** For them. */
  ms: number;
}

/** So long a slice should take; how many items that is follows from the slice before. */
const SLICE_MS = 1_250;
const ITEMS_FIRST = 500;
const ITEMS_MIN = 300;

/** One of the things that are compared. */
export interface Side {
  name: string;
  /** Process ids by name: whose CPU time counts. */
  processes: Readonly<Record<string, number>>;
  /** As processes, but what only measures: load generators and stubs. Their CPU time is shown and in no sum. */
  instruments: Readonly<Record<string, number>>;
  /** One slice of so many items. */
  run(items: number): Promise<Work>;
}

export interface Slice {
  perSecond: number;
  /** us of CPU per item, by process. */
  cpuUs: Readonly<Record<string, number>>;
  instrumentUs: Readonly<Record<string, number>>;
  other: OtherLoad;
}

/** A slice of every side, taken one after the other. */
export type Round = Readonly<Record<string, Slice>>;

/** Other programs may use so much beside a slice, in cores, and the host may take so much; beyond it the slice tells nothing. */
export const OTHER_CORES_MAX = 0.15;
export const STOLEN_SHARE_MAX = 0.03;
/** With fewer clean rounds than this all rounds count, and the result says that the machine was busy. */
export const CLEAN_ROUNDS_MIN = 4;

export const isClean = (round: Round): boolean =>
  Object.values(round).every(({ other }) => other.cores <= OTHER_CORES_MAX && other.stolenShare <= STOLEN_SHARE_MAX);

export interface Limits {
  /** Clean rounds wanted. */
  rounds: number;
  /** No round begins that might end after this moment of performance.now(). */
  endsAt: number;
  say(line: string): void;
}

/** Rounds until so many are clean or the time is up, but one at least. Two slices of each side come before them, in which code is compiled. */
export async function takeRounds(sides: readonly Side[], { rounds, endsAt, say }: Limits): Promise<Round[]> {
  const items = new Map(sides.map((side) => [side, ITEMS_FIRST]));
  const slice = async (side: Side) => {
    const taken = await takeSlice(side, items.get(side)!);
    items.set(side, Math.max(ITEMS_MIN, Math.round((taken.perSecond * SLICE_MS) / 1_000)));
    return taken;
  };
  for (const side of [...sides, ...sides]) await slice(side);
  const taken: Round[] = [];
  let longestMs = 0;
  do {
    const began = performance.now();
    const round: Record<string, Slice> = {};
    // In turns forwards and backwards, so that a machine that grows faster or slower favours no side.
    for (const side of taken.length % 2 === 0 ? sides : sides.toReversed()) round[side.name] = await slice(side);
    taken.push(round);
    longestMs = Math.max(longestMs, performance.now() - began);
    say(`  round ${taken.length}: ${isClean(round) ? "clean" : `disturbed, ${disturbance(round)}`}`);
  } while (taken.filter(isClean).length < rounds && performance.now() + longestMs < endsAt);
  return taken;
}

function disturbance(round: Round): string {
  const others = Object.values(round).map(({ other }) => other);
  const [cores, stolen] = [Math.max(...others.map((o) => o.cores)), Math.max(...others.map((o) => o.stolenShare))];
  return `others used up to ${cores.toFixed(2)} cores, the host took up to ${(stolen * 100).toFixed(0)} %`;
}

async function takeSlice({ processes, instruments, run }: Side, wanted: number): Promise<Slice> {
  const read = () => ({ machine: readMachine(), processes: cpuOf(processes), instruments: cpuOf(instruments) });
  const from = read();
  const { items, ms } = await run(wanted);
  const to = read();
  return {
    perSecond: items / (ms / 1_000),
    cpuUs: usEach(from.processes, to.processes, items),
    instrumentUs: usEach(from.instruments, to.instruments, items),
    other: otherLoad(from.machine, to.machine, availableParallelism()),
  };
}

type ByProcess = Readonly<Record<string, number>>;
const mapped = (of: ByProcess, to: (value: number, name: string) => number): ByProcess =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, to(value, name)]));
const cpuOf = (pids: ByProcess) => mapped(pids, cpuMs);
const usEach = (from: ByProcess, to: ByProcess, items: number) => mapped(to, (ms, name) => ((ms - from[name]!) * 1_000) / items);

/** The rounds that count: the clean ones where there are enough, else all. */
export function counted(taken: readonly Round[]): { rounds: readonly Round[]; clean: number; busy: boolean } {
  const clean = taken.filter(isClean);
  const busy = clean.length < CLEAN_ROUNDS_MIN;
  return { rounds: busy ? taken : clean, clean: clean.length, busy };
}

/** CPU us per item of all of a side's processes together. */
export const totalCpuUs = ({ cpuUs }: Slice): number => Object.values(cpuUs).reduce((sum, us) => sum + us, 0);

/** Of a figure of one side to the same or another figure of another side, each pair taken from one round. */
export function ratioOf(rounds: readonly Round[], over: (round: Round) => number, under: (round: Round) => number): Spread {
  return spreadOf(rounds.map((round) => over(round) / under(round)));
}

import { availableParallelism } from "node:os";
import { cpuMs, type OtherLoad, otherLoad, readMachine } from "../process-cpu.ts";
import { type Summary, summaryOf } from "../summary.ts";

/** The work of one slice. */
export interface Work {
  /** At most the requested number. */
  items: number;
  /** Time for these items. */
  ms: number;
}

/** Intended length of a slice; the number of items follows from the rate of the previous slice. */
const SLICE_MS = 1_250;
const ITEMS_FIRST = 500;
const ITEMS_MIN = 300;

/** Among the instruments of a slice where the store is a server: what it used, with whatever worked for it. */
export const STORE_SERVER = "store server";

/** One of the compared programs. */
export interface Side {
  name: string;
  /** Process ids by name; their CPU time counts. */
  processes: Readonly<Record<string, number>>;
  /** Process ids of load generators and stubs. Their CPU time is shown but is in no sum. */
  instruments: Readonly<Record<string, number>>;
  /** Before each slice: what is neither timed nor in a CPU time. */
  prepare?(items: number): Promise<void>;
  /** Runs one slice of this many items. */
  run(items: number): Promise<Work>;
}

export interface Slice {
  perSecond: number;
  /** us of CPU per item, by process. */
  cpuUs: Readonly<Record<string, number>>;
  instrumentUs: Readonly<Record<string, number>>;
  other: OtherLoad;
}

/** One slice of every side, one after the other. */
export type Round = Readonly<Record<string, Slice>>;

/** Limits of what other programs (in cores) and the host may use during a slice; beyond them the slice is disturbed. */
const OTHER_CORES_MAX = 0.15;
const STOLEN_SHARE_MAX = 0.03;
/** With fewer clean rounds than this all rounds count, and the result says that the machine was busy. */
export const CLEAN_ROUNDS_MIN = 4;

export const isDisturbed = ({ cores, stolenShare }: OtherLoad): boolean => cores > OTHER_CORES_MAX || stolenShare > STOLEN_SHARE_MAX;
export const isClean = (round: Round): boolean => Object.values(round).every(({ other }) => !isDisturbed(other));

export interface Limits {
  /** Required clean rounds. */
  rounds: number;
  /** No round starts that might end after this value of performance.now(). */
  endsAt: number;
  say(line: string): void;
}

/** Runs rounds until enough are clean or the time is up, but at least one. Two warm-up slices of each side come first. */
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
    // Alternating order, so that a machine that becomes faster or slower favours no side.
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

async function takeSlice({ processes, instruments, prepare, run }: Side, wanted: number): Promise<Slice> {
  await prepare?.(wanted);
  const read = () => ({ machine: readMachine(), processes: cpuOf(processes), instruments: cpuOf(instruments) });
  const from = read();
  const { items, ms } = await run(wanted);
  const to = read();
  const instrumentUs = usEach(from.instruments, to.instruments, items);
  const storeMs = (to.machine.storeServerMs ?? 0) - (from.machine.storeServerMs ?? 0);
  return {
    perSecond: items / (ms / 1_000),
    cpuUs: usEach(from.processes, to.processes, items),
    instrumentUs: to.machine.storeServerMs === undefined ? instrumentUs : { ...instrumentUs, [STORE_SERVER]: (storeMs * 1_000) / items },
    other: otherLoad(from.machine, to.machine, availableParallelism()),
  };
}

type ByProcess = Readonly<Record<string, number>>;
const mapped = (of: ByProcess, to: (value: number, name: string) => number): ByProcess =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, to(value, name)]));
const cpuOf = (pids: ByProcess) => mapped(pids, cpuMs);
const usEach = (from: ByProcess, to: ByProcess, items: number) => mapped(to, (ms, name) => ((ms - from[name]!) * 1_000) / items);

/** The rounds that count: the clean ones if there are enough, else all. */
export function counted(taken: readonly Round[]): { rounds: readonly Round[]; clean: number; busy: boolean } {
  const clean = taken.filter(isClean);
  const busy = clean.length < CLEAN_ROUNDS_MIN;
  return { rounds: busy ? taken : clean, clean: clean.length, busy };
}

/** CPU us per item, summed over a side's processes. */
export const totalCpuUs = ({ cpuUs }: Slice): number => Object.values(cpuUs).reduce((sum, us) => sum + us, 0);

/** Ratio of two figures, each pair from the same round. */
export function ratioOf(rounds: readonly Round[], over: (round: Round) => number, under: (round: Round) => number): Summary {
  return summaryOf(rounds.map((round) => over(round) / under(round)));
}

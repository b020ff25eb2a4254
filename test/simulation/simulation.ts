import { FAILPOINTS, type Failpoint } from "../../core/failpoints.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { createTime, type SimulatedTime } from "./time.ts";

/** Every fault of the simulation. A large run must see each of them, or it proves nothing about that fault. */
export const FAULTS = [
  "process killed at a call",
  "process killed at a failpoint",
  "process paused",
  "process drained",
  "clock jumped",
  "call slow",
  "store rejected",
  "store applied, answer lost",
  "store applied after its deadline",
  "store unavailable",
  "stream rejected",
  "stream stored, acknowledgement lost",
  "stream acknowledged, not stored",
  "stream stored a task twice",
  "stream garbled a task",
  "stream lost an ack",
  "stream unavailable",
  "stream paused",
  "stream crowded",
  "stream of one channel full",
  "stream's depth unreadable",
  "stream behind",
  "stream's age unreadable",
  "stream wiped",
  "stream lost its last writes",
  "stream forgot its ids",
  "stream restored acknowledged tasks",
  "stream redelivered tasks in flight",
  "content purged",
  "redis lost a deletion",
  "redis lost its data",
  "redis unavailable",
  "redis slow",
  "preferences unreadable",
  "preferences stale",
  "slow connection",
  "provider accepted, never answered",
  "provider accepted late",
  "provider accepted, answered late",
  "provider accepted, adapter threw",
  "provider accepted, connection cut",
  "provider never answered",
  "provider connection cut",
  "provider rejected",
  "provider credentials wrong",
  "provider down for a while",
  "provider down for most of a day",
  "task returned before its turn",
  "delivery handed back",
  "delivery deferred",
  "delivery paused",
  "traffic paused",
  "delivery redriven",
  "endpoint gone",
  "endpoint moved",
  "endpoint removed",
  "receipt before the answer",
  "receipt late",
  "receipt twice",
  "receipt never",
  "status query found nothing",
  "status query unreadable",
  "answer to the caller lost",
  "key with another payload",
  "overload",
  "at a limit",
  "purge",
  "copy of a task long expired",
  "cancel answered: cancelled",
  "cancel answered: in-flight",
  "cancel answered: in-doubt",
  "cancel answered: too-late",
] as const;
export type Fault = (typeof FAULTS)[number];

/** The last events, kept for the report. */
const EVENTS_KEPT = 400;

/** Violations of a world that are kept: a delivery that is tried all day may break the same promise each time. */
const VIOLATIONS_KEPT = 20;

/** What all parts of one world share: seeded random numbers, simulated time, faults, and the history of events. */
export interface Simulation {
  random: SeededRandom;
  time: SimulatedTime;
  /** Whether faults are injected. */
  faulty: boolean;
  /** Decides with this probability whether the fault happens now, and records it if so. */
  happens(fault: Fault, share: number): boolean;
  /** Records a fault that happened. */
  happened(fault: Fault): void;
  note(who: string, what: string): void;
  /** Records a violated promise and the id that shows it. */
  broken(promise: string, by: string): void;
  failpoint: Failpoint;
  readonly violations: string[];
  /** How often each fault happened, and how often each failpoint was passed. */
  readonly counts: Map<string, number>;
  history(): string[];
  /** Hash of the whole history, including events no longer kept. */
  hash(): string;
}

export function createSimulation(seed: number): Simulation {
  const random = seededRandom(seed);
  const time = createTime();
  const began = time.now();
  const ring: string[] = [];
  const counts = new Map<string, number>();
  const violations: string[] = [];
  let events = 0;
  let [a, b] = [0x811c9dc5, 0x9dc5811c];

  const note = (who: string, what: string) => {
    const line = `${time.now() - began} ${who} ${what}`;
    ring[events++ % EVENTS_KEPT] = line;
    for (let i = 0; i < line.length; i++) {
      a = Math.imul(a ^ line.charCodeAt(i), 0x01000193);
      b = (b + a) | 0;
    }
  };
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const simulation: Simulation = {
    ...{ random, time, faulty: true, violations, counts, note },
    happens(fault, share) {
      if (!simulation.faulty || !random.chance(share)) return false;
      simulation.happened(fault);
      return true;
    },
    happened(fault) {
      count(fault);
      note("!", fault);
    },
    broken(promise, by) {
      const line = `${promise}: ${by}`;
      note("BROKEN", line);
      if (violations.length < VIOLATIONS_KEPT && !violations.includes(line)) violations.push(line);
    },
    failpoint: (name) => count(name),
    history: () => (events <= EVENTS_KEPT ? [...ring] : [...ring.slice(events % EVENTS_KEPT), ...ring.slice(0, events % EVENTS_KEPT)]),
    hash: () => `${events}-${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`,
  };
  return simulation;
}

/** Every fault and failpoint that a large run must have seen. */
export const EXPECTED: readonly string[] = [...FAULTS, ...FAILPOINTS];

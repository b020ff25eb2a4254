import { FAILPOINTS, type Failpoint } from "../../core/failpoints.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { createTime, type SimulatedTime } from "./time.ts";

/** Everything that goes wrong in a world. Each must happen in a run of some size, or the run proves nothing about it. */
export const FAULTS = [
  "process killed at a call",
  "process killed at a step",
  "process paused",
  "process drained",
  "clock jumped",
  "call slow",
  "store rejected",
  "store applied, unsaid",
  "store applied after its deadline",
  "store away",
  "stream rejected",
  "stream stored, unsaid",
  "stream acknowledged, not stored",
  "stream doubled",
  "stream garbled a task",
  "stream lost an ack",
  "stream away",
  "stream held back",
  "stream behind",
  "stream's age unreadable",
  "stream wiped",
  "stream lost its last writes",
  "stream forgot its ids",
  "stream brought back what was acknowledged",
  "stream redelivered what was under way",
  "content purged",
  "redis forgot",
  "redis away",
  "redis slow",
  "preferences unreadable",
  "preferences stale",
  "provider took it, never answered",
  "provider took it late",
  "provider took it, answered late",
  "provider took it, adapter threw",
  "provider took it, line cut",
  "provider never answered",
  "provider line cut",
  "provider rejected",
  "provider keys wrong",
  "endpoint gone",
  "receipt before the answer",
  "receipt late",
  "receipt twice",
  "receipt never",
  "status query found nothing",
  "status query unreadable",
  "answer to the caller lost",
  "key with another payload",
  "overload",
  "purge",
  "copy of a task long expired",
] as const;
export type Fault = (typeof FAULTS)[number];

/** How much of what happened last is kept for the report, in events. */
const EVENTS_KEPT = 400;

/** What all parts of a world share: its chance, its time, its misfortune, and the memory of what happened. */
export interface Nature {
  random: SeededRandom;
  time: SimulatedTime;
  /** Whether things go wrong at all. */
  faulty: boolean;
  /** Decides whether this goes wrong now, with this probability, and remembers that it did. */
  happens(fault: Fault, share: number): boolean;
  /** Remembers that it went wrong. */
  happened(fault: Fault): void;
  note(who: string, what: string): void;
  /** A promise that was broken, and where. */
  broken(promise: string, by: string): void;
  failpoint: Failpoint;
  readonly violations: string[];
  /** How often each fault happened, and each step was reached. */
  readonly counts: Map<string, number>;
  history(): string[];
  /** The same for the same history, all of it. */
  hash(): string;
}

export function createNature(seed: number): Nature {
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
      b = Math.imul(b + line.charCodeAt(i), 0x5bd1e995);
    }
  };
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const nature: Nature = {
    ...{ random, time, faulty: true, violations, counts, note },
    happens(fault, share) {
      if (!nature.faulty || !random.chance(share)) return false;
      nature.happened(fault);
      return true;
    },
    happened(fault) {
      count(fault);
      note("!", fault);
    },
    broken(promise, by) {
      const line = `${promise}: ${by}`;
      note("BROKEN", line);
      if (!violations.includes(line)) violations.push(line);
    },
    failpoint: (step) => count(step),
    history: () => (events <= EVENTS_KEPT ? [...ring] : [...ring.slice(events % EVENTS_KEPT), ...ring.slice(0, events % EVENTS_KEPT)]),
    hash: () => `${events}-${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`,
  };
  return nature;
}

/** All that a run of some size must have seen. */
export const EXPECTED: readonly string[] = [...FAULTS, ...FAILPOINTS];

import type { OtherLoad } from "../process-cpu.ts";
import type { Summary } from "../summary.ts";

/** Rows of docs/performance.md. */
export type RowName =
  | "T1"
  | "T2"
  | "T4"
  | "T5"
  | "T9"
  | "T10"
  | "T11"
  | "T12"
  | "T14"
  | "E1"
  | "E2"
  | "L1"
  | "L2"
  | "O1"
  | "M1"
  | "G1"
  | "W1"
  | "floors"
  | "sustained"
  | "peers";

export type StoreName = "sqlite" | "mongodb";

/** One measured figure. */
export interface Figure {
  row: RowName;
  /** In words, for example "relay / js.publish with 256 in flight". */
  what: string;
  /** Absent where no store is involved. */
  store?: StoreName;
  /** "" for a ratio, or "us", "ms", "/s", "MiB", "%", "writes". */
  unit: string;
  value: Summary;
}

/** End of `what` where the machine was too busy for undisturbed rounds. */
export const BUSY = " (busy machine)";

/** Lines over one axis, for example latency over load. */
export interface Curve {
  /** Part of the file name, for example "overload". */
  name: string;
  title: string;
  x: string;
  y: string;
  lines: readonly { name: string; points: readonly (readonly [x: number, y: number])[] }[];
}

/** What one question of `make bench` was answered with. */
export interface Answer {
  figures: readonly Figure[];
  curves?: readonly Curve[];
  /** Sentences below the figures: what was tried, and under which conditions. */
  notes?: readonly string[];
}

/** An answer, and what else used the machine meanwhile. */
export interface Asked extends Answer {
  /** `before`: the load average of the minute before, with whatever ran last. `fixedWorkMs`: how fast the machine was before and after (bench/fixed-work.ts). */
  load: OtherLoad & { before: number; fixedWorkMs?: readonly [before: number, after: number] };
}

/** @param say prints progress */
export type Question = (options: { store: StoreName; storeUrl: string; say(line: string): void }) => Promise<Answer>;

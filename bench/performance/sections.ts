import { type Limits, STORE_SERVER } from "../compare/rounds.ts";
import type { Row, Section } from "../compare/section.ts";
import type { Summary } from "../summary.ts";
import type { Figure, RowName, StoreName } from "./figure.ts";

/** Clean rounds of a comparison. */
const ROUNDS = 8;
/** Time in which they must be found, in ms: twice what they take on a quiet machine. */
const COMPARISON_MS = 45_000;

/** From now on. */
export const comparisonLimits = (say: Limits["say"]): Limits => ({ rounds: ROUNDS, endsAt: performance.now() + COMPARISON_MS, say });

/** A comparison's ratios, then rate and CPU time of an item of each side. */
export function figuresOf({ rows, ratios }: Section, row: RowName, store?: StoreName): Figure[] {
  const about = { row, ...(store && { store }) };
  return [
    ...ratios.map(({ what, ratio }): Figure => ({ ...about, what, unit: "", value: ratio })),
    ...rows.flatMap((side): Figure[] => [
      { ...about, what: `rate, ${side.side}`, unit: "/s", value: side.perSecond },
      ...cpuOf(side).map(([process, us]): Figure => ({ ...about, what: `CPU of one, ${side.side}, ${process}`, unit: "us", value: us })),
    ]),
  ];
}

/** CPU time of an item by process; that of a store server, which is in no sum, says so. */
export function cpuOf({ cpuUs, instrumentUs }: Row): [process: string, us: Summary][] {
  const server = instrumentUs[STORE_SERVER];
  return [...Object.entries(cpuUs), ...(server ? [[`${STORE_SERVER} (in no sum)`, server] as [string, Summary]] : [])];
}

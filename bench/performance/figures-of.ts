import type { Section } from "../compare/section.ts";
import type { Figure, RowName, StoreName } from "./figure.ts";

/** The ratios of a comparison as figures, then the rate of each side and what one item cost each of its processes. */
export function figuresOf(row: RowName, { rows, ratios, busy }: Section, store: StoreName): Figure[] {
  const noted = (what: string) => (busy ? `${what} (busy machine)` : what);
  return [
    ...ratios.map(({ what, ratio }) => ({ row, what: noted(what), store, unit: "", value: ratio })),
    ...rows.flatMap(({ side, perSecond, cpuUs }) => [
      { row, what: noted(`${side}: rate`), store, unit: "/s", value: perSecond },
      ...Object.entries(cpuUs).map(([name, value]) => ({ row, what: noted(`${side}: CPU each, ${name}`), store, unit: "us", value })),
    ]),
  ];
}

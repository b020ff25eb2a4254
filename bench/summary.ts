/** Median and range over several slices of one run. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  /** Slices. */
  n: number;
}

export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return {
    median: ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    n: sorted.length,
  };
}

export const shown = ({ median, min, max }: Summary, digits = 2) =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;

export interface Reading {
  /** Work done so far. */
  count: number;
  /** ms */
  at: number;
  /** ms of CPU so far, per process. */
  cpu: readonly number[];
}

/** Rates and CPU ms per piece of work between readings about `each` pieces apart; the first stretch, in which code is compiled, is left out. */
export function slicesOf(readings: readonly Reading[], each: number): { perSecond: Summary; cpuMsEach: Summary[] } {
  const marks: Reading[] = [];
  for (const reading of readings) if (reading.count >= (marks.at(-1)?.count ?? 0) + each) marks.push(reading);
  const pairs = marks.slice(1).map((to, i) => ({ from: marks[i]!, to }));
  const work = ({ from, to }: { from: Reading; to: Reading }) => to.count - from.count;
  return {
    perSecond: summaryOf(pairs.map((p) => work(p) / ((p.to.at - p.from.at) / 1_000))),
    cpuMsEach: (readings[0]?.cpu ?? []).map((_, i) => summaryOf(pairs.map((p) => ((p.to.cpu[i] ?? 0) - (p.from.cpu[i] ?? 0)) / work(p)))),
  };
}

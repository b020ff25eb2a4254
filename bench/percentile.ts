/** The value below which this share, in [0, 1], of the values is; NaN where there are none. */
export const percentile = (values: Iterable<number>, share: number): number => percentileOfSorted(Float64Array.from(values).sort(), share);

/** Of values in ascending order. */
export const percentileOfSorted = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

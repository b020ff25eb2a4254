/** Ratio of a bucket's bounds, so that a percentile is at most 1 % too high. */
const BUCKET_GROWTH = 1.01;

/** Counts any number of durations in buckets that grow by 1 %: 2,300 buckets cover 1 ms to 300 years. */
export interface Histogram {
  /** Durations below 1 ms count as 0. */
  add(ms: number): void;
  readonly count: number;
  /** The value in ms that the given share, in (0, 1], of all durations does not exceed; at most 1 % too high. Undefined without durations. */
  percentile(share: number): number | undefined;
}

export function createHistogram(): Histogram {
  const buckets = new Map<number, number>();
  let count = 0;
  return {
    add(ms) {
      const bucket = ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / Math.log(BUCKET_GROWTH));
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      count++;
    },
    get count() {
      return count;
    },
    percentile(share) {
      let left = Math.max(1, Math.ceil(share * count));
      for (const bucket of [...buckets.keys()].sort((a, b) => a - b)) {
        left -= buckets.get(bucket)!;
        if (left <= 0) return bucket === 0 ? 0 : BUCKET_GROWTH ** bucket;
      }
      return undefined;
    },
  };
}

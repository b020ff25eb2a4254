/** Each bucket's upper bound is this much above its lower one: what a percentile is off by at most. */
const BUCKET_GROWTH = 1.01;

/** Counts durations, however many, in buckets that grow by a hundredth: 2,300 of them reach from 1 ms to 300 years. */
export interface Histogram {
  /** Below 1 ms is the same as nothing. */
  add(ms: number): void;
  readonly count: number;
  /** In ms, at most 1 % above what was measured: the value that a share, in (0, 1], of all does not exceed. Undefined of none. */
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

/** The arrival rate of one stream, updated with each reading of it. */
export interface Arrivals {
  created: string;
  lastSequence: number;
  /** When it was last read, by the monotonic clock. */
  readAt: number;
  /** Undefined until the stream has been read twice. */
  perSecond: number | undefined;
  /** When a reading last showed a new task, by the monotonic clock; undefined until one does. */
  arrivedAt: number | undefined;
}

/** Time constant for a rise: most of it shows after two readings. */
const RISE_MS = 4_000;
/** Time constant for a fall. Slower: the load may return, and a pod takes longer to start than to stop. */
const FALL_MS = 30_000;
/** Rates below one task in 100 s count as 0. */
const PER_SECOND_MIN = 0.01;

/** Pure. Counts by the stream's last sequence, so that a duplicate that JetStream dropped does not count. */
export function updateArrivals(
  before: Arrivals | undefined,
  { created, lastSequence }: { created: string; lastSequence: number },
  now: number,
): Arrivals {
  const reading = { created, lastSequence, readAt: now };
  if (!before) return { ...reading, perSecond: undefined, arrivedAt: undefined };
  // The stream was recreated or restored: its sequence cannot be compared with the one before.
  if (created !== before.created || lastSequence < before.lastSequence)
    return { ...reading, perSecond: before.perSecond, arrivedAt: lastSequence > 0 ? now : before.arrivedAt };
  const elapsedMs = now - before.readAt;
  if (elapsedMs <= 0) return before;
  const arrived = lastSequence - before.lastSequence;
  const arrivedAt = arrived > 0 ? now : before.arrivedAt;
  const measured = arrived / (elapsedMs / 1_000);
  if (before.perSecond === undefined) return { ...reading, perSecond: measured, arrivedAt };
  const share = 1 - Math.exp(-elapsedMs / (measured > before.perSecond ? RISE_MS : FALL_MS));
  const perSecond = before.perSecond + share * (measured - before.perSecond);
  return { ...reading, perSecond: perSecond < PER_SECOND_MIN ? 0 : perSecond, arrivedAt };
}

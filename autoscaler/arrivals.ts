/** Tasks due in the outbox and unpublished. */
export interface DueCount {
  count: number;
  /** When it was reported, by the monotonic clock. */
  at: number;
}

/** One reading of a stream, with the newest report of what is due in the outbox; absent: none is new enough. */
export interface ArrivalsReading {
  created: string;
  lastSequence: number;
  due?: DueCount | undefined;
}

/** A channel's arrival rate, updated with each reading of its stream. */
export interface Arrivals extends ArrivalsReading {
  /** When the stream was last read, by the monotonic clock. */
  readAt: number;
  /** The stream's last sequence when `due` was reported. */
  sequenceAtDue: number;
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

/**
 * Pure. Counts by the stream's last sequence, so that a duplicate that JetStream dropped does not count. A task that waited in the outbox arrived when
 * it became due, not when it was published: while some wait there, the rate is measured from one report of them to the next.
 */
export function updateArrivals(before: Arrivals | undefined, reading: ArrivalsReading, now: number): Arrivals {
  const { created, lastSequence, due } = reading;
  if (!before) return { ...reading, readAt: now, sequenceAtDue: lastSequence, perSecond: undefined, arrivedAt: undefined };
  // The stream was recreated or restored: its sequence cannot be compared with the one before.
  if (created !== before.created || lastSequence < before.lastSequence) {
    const arrivedAt = lastSequence > 0 ? now : before.arrivedAt;
    return { ...reading, readAt: now, sequenceAtDue: lastSequence, perSecond: before.perSecond, arrivedAt };
  }
  const elapsedMs = now - before.readAt;
  if (elapsedMs <= 0) return before;
  const published = lastSequence - before.lastSequence;
  const isNewReport = due !== undefined && due.at !== before.due?.at;
  const sinceRead = isNewReport ? Math.min(1, Math.max(0, (due.at - before.readAt) / elapsedMs)) : 1;
  const sequenceAtDue = isNewReport ? before.lastSequence + published * sinceRead : before.sequenceAtDue;
  const after = { ...reading, readAt: now, sequenceAtDue, arrivedAt: published > 0 ? now : before.arrivedAt };
  if (due && before.due && due.count + before.due.count > 0) {
    const betweenMs = due.at - before.due.at;
    if (betweenMs <= 0) return { ...after, perSecond: before.perSecond };
    const arrived = sequenceAtDue - before.sequenceAtDue + due.count - before.due.count;
    return { ...after, perSecond: smoothed(before.perSecond, Math.max(0, arrived), betweenMs) };
  }
  return { ...after, perSecond: smoothed(before.perSecond, published, elapsedMs) };
}

function smoothed(before: number | undefined, arrived: number, elapsedMs: number): number {
  const measured = arrived / (elapsedMs / 1_000);
  if (before === undefined) return measured;
  const share = 1 - Math.exp(-elapsedMs / (measured > before ? RISE_MS : FALL_MS));
  const perSecond = before + share * (measured - before);
  return perSecond < PER_SECOND_MIN ? 0 : perSecond;
}

/** How fast tasks come in, followed from reading to reading. */
export interface Arrivals {
  created: string;
  lastSequence: number;
  /** Of the reading, by the monotonic clock. */
  readAt: number;
  /** Undefined until there were two readings of one stream. */
  perSecond: number | undefined;
  /** When something had come in last, by the monotonic clock; undefined where nothing did. */
  arrivedAt: number | undefined;
}

/** A rise is believed within two readings. */
const RISE_MS = 4_000;
/** A fall is believed slowly: what was needed a moment ago may be needed again, and a pod takes longer to come than to go. */
const FALL_MS = 30_000;
/** Below one task in 100 s there is no stream of work; each is a backlog of its own. */
const PER_SECOND_MIN = 0.01;

/** Pure. Follows the stream's last sequence: what is published twice within the duplicate window counts once. */
export function followArrivals(
  before: Arrivals | undefined,
  { created, lastSequence }: { created: string; lastSequence: number },
  now: number,
): Arrivals {
  const reading = { created, lastSequence, readAt: now };
  if (!before) return { ...reading, perSecond: undefined, arrivedAt: undefined };
  // Made anew, or restored: the sequences of the two have nothing to do with one another.
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

import { CALLS_MS, type Calls } from "./reports.ts";

/**
 * While a provider is away its tasks come back again and again, and the queue looks as if there were more to do. More pods would only ask it
 * more often, so the rate does not rise until calls go well again.
 */
export interface Hold {
  /** What the rate may not exceed; undefined while nothing holds it. */
  ceiling: number | undefined;
  /** What was wanted in the last CALLS_MS while nothing held it, by the monotonic clock. */
  trail: readonly { at: number; perSecond: number }[];
}

/**
 * A rise is given out when it has lasted for so long: by then an outage has been noticed, also of a provider that hangs. Short against the 15 s
 * between two looks of the HPA and the start of a pod.
 */
const RISE_LASTS_MS = 5_000;

export const FREE: Hold = { ceiling: undefined, trail: [] };

export interface ProviderView {
  recent: Calls;
  newest: Calls;
  /** Tasks given back for later: nobody calls for them now. */
  parked: number;
}

/** Whether more than half of what the provider was asked failed by its own fault. */
export function isProviderAway({ recent, newest, parked }: ProviderView, wasAway: boolean): boolean {
  // Nobody asks it, because every circuit is open: then nothing has changed.
  if (recent.called === 0) return wasAway && parked > 0;
  return mostFailed(recent) || mostFailed(newest);
}

const mostFailed = ({ called, failed }: Calls) => failed * 2 > called;

/**
 * Pure. What stood before the failures began is kept: the lowest rate of the time in which they were counted. Who began only after that, and sees
 * what has gathered since, keeps to `atRest`: what is wanted without any backlog, which is what stands when all is well.
 */
export function followHold(
  before: Hold,
  away: boolean,
  { perSecond, atRest }: { perSecond: number; atRest: number },
  now: number,
): { hold: Hold; perSecond: number } {
  const trail = before.trail.filter(({ at }) => now - at <= CALLS_MS);
  if (!away) {
    trail.push({ at: now, perSecond });
    return { hold: { ceiling: undefined, trail }, perSecond: lowest(trail.filter(({ at }) => now - at <= RISE_LASTS_MS)) };
  }
  const ceiling = before.ceiling ?? (trail.length > 0 ? lowest(trail) : atRest);
  return { hold: { ceiling, trail }, perSecond: Math.min(ceiling, perSecond) };
}

const lowest = (trail: Hold["trail"]) => Math.min(...trail.map(({ perSecond }) => perSecond));

import { CALLS_WINDOW_MS, type Calls } from "./reports.ts";

/**
 * During a provider's outage tasks are delivered again and again, and the queue looks as if it held more work. More pods would only call the
 * provider more often, so the required rate does not rise until most calls succeed again.
 */
export interface Hold {
  /** Upper bound of the rate during an outage; else undefined. */
  ceiling: number | undefined;
  /** What the queue asked for within the last CALLS_WINDOW_MS outside of an outage. `at` by the monotonic clock. */
  history: readonly { at: number; perSecond: number }[];
}

/**
 * A rise takes effect only after it has lasted this long: by then the pods have reported an outage, also of a provider that hangs. Short compared
 * with the 15 s between two syncs of the HPA and the time a pod takes to start.
 */
const RISE_LASTS_MS = 5_000;

export const NO_HOLD: Hold = { ceiling: undefined, history: [] };

/** What pods reported of a channel's provider. */
export interface ProviderView {
  /** Within CALLS_WINDOW_MS. */
  recent: Calls;
  /** Within NEWEST_WINDOW_MS. */
  newest: Calls;
  /** Tasks returned to the queue with a delay, and deliveries handed back to the store. */
  parked: number;
}

/** Whether more than half of the calls failed through the provider's fault. */
export function isProviderFailing({ recent, newest, parked }: ProviderView, wasFailing: boolean): boolean {
  // Every circuit is open, so no call is made: nothing shows that the outage is over.
  if (recent.called === 0) return wasFailing && parked > 0;
  return mostFailed(recent) || mostFailed(newest);
}

const mostFailed = ({ called, failed }: Calls) => failed * 2 > called;

/**
 * Pure. In an outage the ceiling is the lowest rate of the window in which the failures were counted, because the rate may have risen with them.
 * A process that starts during an outage has no such rate: its ceiling is `withoutBacklog`, the rate for the arrivals alone.
 */
export function updateHold(
  before: Hold,
  isFailing: boolean,
  { perSecond, withoutBacklog }: { perSecond: number; withoutBacklog: number },
  now: number,
): { hold: Hold; perSecond: number } {
  const history = before.history.filter(({ at }) => now - at <= CALLS_WINDOW_MS);
  if (!isFailing) {
    history.push({ at: now, perSecond });
    return { hold: { ceiling: undefined, history }, perSecond: lowest(history.filter(({ at }) => now - at <= RISE_LASTS_MS)) };
  }
  const ceiling = before.ceiling ?? (history.length > 0 ? lowest(history) : withoutBacklog);
  return { hold: { ceiling, history }, perSecond: Math.min(ceiling, perSecond) };
}

const lowest = (history: Hold["history"]) => Math.min(...history.map(({ perSecond }) => perSecond));

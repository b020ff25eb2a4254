import { ADJUST_EVERY_MS, PREPARING_MIN, type PreparingParts } from "./preparing-limit.ts";

/**
 * Share of the time in which the event loop may work while critical tasks arrive. Pods are planned for half of a core, so a campaign meets this bound where pods are
 * missing. On two cores that all processes share, critical pushes beside 20,000 marketing ones took 7 to 9 ms (p50) instead of 22, and 3 to 6 without them; the
 * campaign took 23 to 35 s instead of 13. With 0.75: 12 to 15 ms and 21 to 26 s.
 */
const UTILIZATION = 0.6;
/** The most by which one adjustment changes the limit: what was measured for 100 ms may be chance. */
const CHANGE_MAX = 1.25;
/** How long after the last critical task marketing may use all places again, in ms. Longer than the time between two where one or more arrive each second. */
const CRITICAL_FOR_MS = 2_000;

/** How many marketing tasks may be in flight, so that a campaign leaves time for what is critical. */
export interface MarketingLimit {
  now(): number;
  criticalBegins(): void;
}

/**
 * `max` where no critical tasks arrive. While they do, as many as keep the event loop working for UTILIZATION of the time, and at least 1: a critical task waits for
 * the marketing tasks that this process works on, and for the processor and the store that it shares with others. A slow provider does not slow a campaign down,
 * because then the event loop idles and the limit rises.
 */
export function createMarketingLimit({ max, utilization, clock }: PreparingParts): MarketingLimit {
  const start = Math.min(PREPARING_MIN, max);
  let limit = start;
  let adjustedAt = clock.monotonic();
  let criticalAt = Number.NEGATIVE_INFINITY;
  const isCriticalTime = () => clock.monotonic() - criticalAt < CRITICAL_FOR_MS;

  return {
    criticalBegins() {
      if (!isCriticalTime()) limit = start;
      criticalAt = clock.monotonic();
    },
    now() {
      if (!isCriticalTime()) return max;
      if (clock.monotonic() - adjustedAt >= ADJUST_EVERY_MS) {
        adjustedAt = clock.monotonic();
        const change = UTILIZATION / Math.max(utilization(), UTILIZATION / CHANGE_MAX);
        limit = Math.min(max, Math.max(1, limit * Math.max(change, 1 / CHANGE_MAX)));
      }
      return Math.floor(limit);
    },
  };
}

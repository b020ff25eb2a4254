import type { Clock } from "../../core/ports/clock.ts";
import { createUtilization } from "../utilization.ts";
import { CALLS_MAX } from "./limits.ts";

/**
 * A busy process has as many calls under way as it answers in this time, in ms: about how long a call then takes. A caller that is alone has half of them, so that it
 * may be behind by half of this time. With 250 ms calls were rejected after pauses of the machine of a tenth of a second: of 8,400 calls at half of what the machine
 * takes, 261, 21 and 0 in three rounds, where with 500 ms none was.
 */
const ANSWERED_WITHIN_MS = 500;
/**
 * Share of these calls. Where fewer were under way at some moment, the process keeps up, however busy it is, and will answer a burst such as the one after a pause of the
 * machine. Under overload there are never so few: an app that calls alone has half of the places, and one insert answers at most 64 calls together.
 */
const WAITING_SHARE = 0.25;
/** The least that a busy process has: batches take longer than single calls, and an app that calls alone has half. */
export const CALLS_MIN = 640;
/** Between two measurements, in ms. At full load it sees some hundred answers. */
export const MEASURE_EVERY_MS = 250;
/** Share of the time in which the event loop works, from which a process counts as busy. Below it calls wait for something else, such as the store, and fewer of them would not be answered sooner. */
const BUSY = 0.75;

/** How many calls may be under way. */
export interface CallLimit {
  now(): number;
  /**
   * A call is no longer under way.
   * @param left how many are
   */
  ended(left: number): void;
}

interface CallLimitParts {
  clock: Pick<Clock, "monotonic">;
  /** Share of the time since the last call in which the event loop worked, 0 to 1. */
  utilization?: () => number;
}

/**
 * Bounds the calls under way by how fast they are answered. Once the process does not keep up, each further call only makes all others wait. A gateway on two cores was
 * offered five times what it can take: p99 of accepting was 1,020 and 1,775 ms with 1,000 calls under way, 604 and 1,736 with those of 500 ms, 587 and 614 with those of
 * 250 ms; as many were accepted.
 */
export function createCallLimit({ clock, utilization = createUtilization() }: CallLimitParts): CallLimit {
  let limit = CALLS_MAX;
  let measuredAt = clock.monotonic();
  let ended = 0;
  let leastLeft = Number.POSITIVE_INFINITY;

  function measure(ms: number): number {
    const answeredWithin = (ended / ms) * ANSWERED_WITHIN_MS;
    if (utilization() < BUSY || leastLeft < WAITING_SHARE * answeredWithin) return CALLS_MAX;
    return Math.round(Math.min(CALLS_MAX, Math.max(CALLS_MIN, answeredWithin)));
  }

  return {
    ended(left) {
      ended++;
      leastLeft = Math.min(leastLeft, left);
    },
    now() {
      const ms = clock.monotonic() - measuredAt;
      if (ms >= MEASURE_EVERY_MS) {
        limit = measure(ms);
        measuredAt += ms;
        ended = 0;
        leastLeft = Number.POSITIVE_INFINITY;
      }
      return limit;
    },
  };
}

export const fixedCallLimit = (calls: number): CallLimit => ({ now: () => calls, ended: () => undefined });

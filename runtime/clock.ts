import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../core/ports/clock.ts";

/** A step of the machine's clock beyond this is not believed at once, in ms; NTP's usual corrections are smaller. */
export const STEP_MS = 1_000;

/** A clock that a step of the machine's does not move, until somebody who knows says that it is right. */
export interface SteadyClock extends Clock {
  /** How far the machine's clock is ahead of this one, in ms; 0 while it is believed. */
  offBy(): number;
  /** Believes the machine's clock from now on. */
  adopt(): void;
}

/**
 * Follows the machine's clock while that goes with the monotonic one. A wrong date, though it lasts a moment only, would call live
 * claims lost and end what has not expired.
 */
export function createSteadyClock(wall: () => number = Date.now, monotonic: () => number = () => performance.now()): SteadyClock {
  let ahead = wall() - monotonic();
  const offBy = () => {
    const off = wall() - monotonic() - ahead;
    if (Math.abs(off) > STEP_MS) return off;
    ahead += off;
    return 0;
  };
  return {
    now: () => (offBy() === 0 ? wall() : Math.round(monotonic() + ahead)),
    monotonic,
    sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
    nextTurn: (run) => void setImmediate(run),
    offBy,
    adopt() {
      ahead = wall() - monotonic();
    },
  };
}

/** This process's. */
export const systemClock = createSteadyClock();

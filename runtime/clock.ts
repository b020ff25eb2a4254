import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../core/ports/clock.ts";

/** A larger step of the machine's clock, in ms, is ignored until it is confirmed; NTP's usual corrections are smaller. */
export const STEP_MS = 1_000;

/** A clock that ignores steps of the machine's clock until they are confirmed. */
export interface SteadyClock extends Clock {
  /** How far the machine's clock is ahead of this one, in ms; 0 while it is followed. */
  offBy(): number;
  /** Follows the machine's clock from now on. */
  adopt(): void;
}

/**
 * Follows the machine's clock while that agrees with the monotonic one. Even a momentary wrong date would mark live claims as lost and
 * expire deliveries too early.
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
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    nextTurn: (run) => void setImmediate(run),
    offBy,
    adopt() {
      ahead = wall() - monotonic();
    },
  };
}

/** The clock of this process. */
export const systemClock = createSteadyClock();

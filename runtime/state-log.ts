import type { Logger } from "./logger.ts";

/** Between two lines about one server, in ms: one that comes and goes writes no more than this. */
const STATE_LOG_MS = 5_000;

/** Logs when a server is lost, when the fault becomes another one, and when it is back: once each, however many calls see it. */
export interface StateLog {
  works(): void;
  /** @param fault one word or code; never a credential */
  fails(fault: string): void;
}

/** @param say the lines, as "preferences cannot be read" and "preferences can be read again" */
export function createStateLog(
  log: Pick<Logger, "info" | "warn">,
  say: { lost: string; back: string },
  monotonic: () => number = () => performance.now(),
): StateLog {
  let logged = "";
  let loggedAt = Number.NEGATIVE_INFINITY;
  /** True where it is to be logged now; otherwise the next call sees the same again. */
  const turnsTo = (state: string) => {
    if (state === logged || monotonic() - loggedAt < STATE_LOG_MS) return false;
    logged = state;
    loggedAt = monotonic();
    return true;
  };
  return {
    works() {
      if (turnsTo("")) log.info(say.back);
    },
    fails(fault) {
      if (turnsTo(fault)) log.warn({ fault }, say.lost);
    },
  };
}

import type { Logger } from "./logger.ts";

/** Between two lines about one state, in ms: one that changes all the time writes no more than this. */
export const STATE_LOG_MS = 5_000;

/** What a line shows besides its sentence; `err` for an error, whose name and message are logged. Never a credential. */
type Fields = Readonly<Record<string, unknown>>;

/** Logs when something fails, when the fault becomes another one, and when it works again: once each, however many calls see it. */
export interface StateLog {
  works(fields?: Fields): void;
  /** @param fault one word or code: another one is logged too. Fields are not compared: errors differ in their messages, and that is no news. */
  fails(fault: string | Fields): void;
}

/** @param say the lines, as "preferences cannot be read" and "preferences can be read again" */
export function createStateLog(
  log: Pick<Logger, "info" | "warn">,
  say: { lost: string; back: string },
  monotonic: () => number = () => performance.now(),
): StateLog {
  /** Undefined: it works. */
  let logged: string | undefined;
  let loggedAt = Number.NEGATIVE_INFINITY;
  /** True where it is to be logged now; otherwise the next call sees the same again. */
  const turnsTo = (state: string | undefined) => {
    if (state === logged || monotonic() - loggedAt < STATE_LOG_MS) return false;
    logged = state;
    loggedAt = monotonic();
    return true;
  };
  return {
    works(fields = {}) {
      if (turnsTo(undefined)) log.info(fields, say.back);
    },
    fails(fault) {
      const [state, fields] = typeof fault === "string" ? [fault, { fault }] : ["", fault];
      if (turnsTo(state)) log.warn(fields, say.lost);
    },
  };
}

// How slow this machine is now, by the start of the system: what a row waits for may take that many times longer.

/** The start of the system on two cores that have nothing else to do, in ms. */
const START_QUIET_MS = 10_000;
/** A machine slower than this cannot run the rows: their faults, which take seconds, would be over before a process noticed them. */
const PACE_MAX = 6;

let pace = 1;

export function measurePace(startedInMs: number): number {
  pace = Math.min(PACE_MAX, Math.max(1, startedInMs / START_QUIET_MS));
  return pace;
}

/** A bound that was chosen on a quiet machine, in ms. */
export const scaled = (ms: number): number => Math.round(ms * pace);

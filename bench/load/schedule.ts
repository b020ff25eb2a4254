/** When the calls of an open loop are due, and which of them are cancelled. Pure. */
export interface Schedule {
  /** us from the start. */
  dueUs(call: number): number;
  /** How many calls are due by then. */
  dueBy(us: number): number;
  isCancelled(call: number): boolean;
}

/** @param cancelledShare of the calls, in [0, 1], spread evenly */
export function createSchedule(perSecond: number, calls: number, cancelledShare = 0): Schedule {
  const everyUs = 1_000_000 / perSecond;
  return {
    dueUs: (call) => call * everyUs,
    dueBy: (us) => (us < 0 ? 0 : Math.min(calls, Math.floor(us / everyUs) + 1)),
    isCancelled: (call) => Math.floor((call + 1) * cancelledShare) > Math.floor(call * cancelledShare),
  };
}

/** Runs things a fixed time after they were given, with one timer for all of them. */
export interface Delayed {
  /** 0: at once, in the same call. Applies to what is given from now on. */
  delayMs: number;
  run(action: () => void): void;
}

/**
 * One timer a thing would cost a stub more than its answer does. They end in the order in which they were given, so a delay that becomes shorter
 * takes effect once what was given before it is done.
 * @param now ms, of a monotonic clock
 */
export function createDelayed(now: () => number = () => performance.now()): Delayed {
  let waiting: { at: number; action: () => void }[] = [];
  let isSet = false;
  const set = () => {
    const [first] = waiting;
    isSet = first !== undefined;
    if (first !== undefined) setTimeout(runDue, Math.max(1, first.at - now()));
  };
  const runDue = () => {
    const at = now();
    const later = waiting.findIndex((each) => each.at > at);
    const due = later < 0 ? waiting : waiting.slice(0, later);
    waiting = later < 0 ? [] : waiting.slice(later);
    for (const { action } of due) action();
    set();
  };
  return {
    delayMs: 0,
    run(action) {
      if (this.delayMs === 0 && waiting.length === 0) return action();
      waiting.push({ at: now() + this.delayMs, action });
      if (!isSet) set();
    },
  };
}

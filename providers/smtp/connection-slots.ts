/** At most `max` holders at once, first come, first served. */
export interface ConnectionSlots {
  /** Resolves with what gives the slot back; rejects with the signal's reason where it aborts first. */
  hold(signal: AbortSignal): Promise<() => void>;
}

export function createConnectionSlots(max: number): ConnectionSlots {
  let free = max;
  const waiting = new Set<() => void>();
  const giveBack = () => {
    free += 1;
    const [next] = waiting;
    next?.();
  };
  return {
    hold(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const start = () => {
        waiting.delete(start);
        signal.removeEventListener("abort", leave);
        free -= 1;
        resolve(giveBack);
      };
      const leave = () => {
        waiting.delete(start);
        reject(signal.reason);
      };
      if (signal.aborted) leave();
      else if (free > 0) start();
      else {
        waiting.add(start);
        signal.addEventListener("abort", leave, { once: true });
      }
      return promise;
    },
  };
}

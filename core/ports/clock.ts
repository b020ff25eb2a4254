/** Time, as services see it; tests bring their own. */
export interface Clock {
  /** ms since the epoch; may jump. For what is written down. */
  now(): number;
  /** ms since some start; never goes back. For deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once everything that is ready in this event-loop turn has run: what arrived together has been seen by then. */
  nextTurn(run: () => void): void;
}

/** In [0, 1), like Math.random. */
export type Random = () => number;

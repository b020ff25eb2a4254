/** The time and timers of a service; tests use a simulated clock. */
export interface Clock {
  /** ms since the epoch; may jump. For stored times. */
  now(): number;
  /** ms since some start; never goes back. For deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` after `ms`, unless what it returns is called before. Cheaper than a sleep that is ended early. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` in the next event-loop turn, after every callback that is ready in this one: requests that arrived together are batched. */
  nextTurn(run: () => void): void;
}

/** In [0, 1), like Math.random. */
export type Random = () => number;

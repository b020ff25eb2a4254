import type { Clock } from "../../core/ports/clock.ts";
import { createSteadyClock } from "../../runtime/clock.ts";
import { createHeap } from "./heap.ts";

/** Simulated time: it jumps from one event to the next, after all promises that the event settled have run. */
export interface SimulatedTime {
  /** ms since the epoch. */
  now(): number;
  after(ms: number, run: () => void): void;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs events until `ended` returns true or none is left. Resolves to the number of events. */
  run(ended: () => boolean): Promise<number>;
}

/** Events per event-loop turn, each followed by all the promises that it settles. */
const EVENTS_PER_TURN = 64;

export function createTime(from = Date.UTC(2026, 0, 5, 12)): SimulatedTime {
  let now = from;
  const events = createHeap<{ at: number; run: () => void }>((event) => event.at);
  const after = (ms: number, run: () => void) => events.put({ at: now + Math.max(0, Math.ceil(ms)), run });
  return {
    now: () => now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted) return resolve();
        after(ms, resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
    run: (ended) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      let ran = 0;
      let waiting = 0;
      let over = false;
      const one = () => {
        waiting--;
        if (over) return;
        try {
          const event = ended() ? undefined : events.take();
          if (event === undefined) {
            over = true;
            return resolve(ran);
          }
          now = event.at;
          ran++;
          event.run();
        } catch (error) {
          over = true;
          return reject(error);
        }
        if (waiting === 0) turn();
      };
      const turn = () => {
        for (; waiting < EVENTS_PER_TURN; waiting++) setImmediate(one);
      };
      turn();
      return promise;
    },
  };
}

/** The clock of a process: it differs from other processes' clocks, and may jump. */
export function createSkewedClock(
  time: SimulatedTime,
  waits: Pick<Clock, "sleep" | "after" | "nextTurn">,
  skewMs: number,
): Clock & { jump(ms: number): void } {
  let skew = skewMs;
  const started = time.now() - 1_000;
  const { now, monotonic } = createSteadyClock(
    () => time.now() + skew,
    () => time.now() - started,
  );
  return {
    ...{ now, monotonic, ...waits },
    jump(ms) {
      skew += ms;
    },
  };
}

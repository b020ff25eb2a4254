import type { Clock } from "../core/ports/clock.ts";

/** Resolves in a turn of the event loop that no other caller has: parsing a body takes up to 20 ms, and probes are answered between two turns. */
export function createTurns(clock: Pick<Clock, "nextTurn">): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>((resolve) => clock.nextTurn(resolve)));
    return last;
  };
}

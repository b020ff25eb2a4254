import type { Clock } from "../core/ports/clock.ts";
import { createBatcher } from "../runtime/batch.ts";

/** Items of a call that are worked on before others get a turn: less than 1 ms. */
export const SLICE_ITEMS = 32;
/** Slices in one event-loop turn, all calls together: some 2 ms, and enough for more items than the process can accept in that time. */
const SLICES = { batchMax: 4, waitingMax: 1_000 };

/**
 * Resolves when the app may work on the next slice of a call. Apps take turns, so that the large calls of a few do not delay the small ones of others:
 * a call takes some ten event-loop turns, and each lasts as long as all that runs in it.
 */
export function createTurns(clock: Pick<Clock, "monotonic" | "nextTurn">): (app: string) => Promise<void> {
  const slices = createBatcher(async (apps: readonly string[]) => apps, SLICES, clock, { laneOf: (app) => app });
  // Where too many wait, a call goes on without its turn.
  const goOn = () => undefined;
  return (app) => slices.add(app).then(goOn, goOn);
}

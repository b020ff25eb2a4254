import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";

interface RoundsParts {
  clock: Pick<Clock, "monotonic" | "sleep">;
  log: Logger;
  signal: AbortSignal;
}

interface Rounds {
  /** Between the end of a round and the next one, in ms. */
  everyMs: number | (() => number);
  /** Whether the first round waits as long as the others, so that a start does not do its work. */
  startsLater?: boolean;
  /** Logged when rounds begin to fail, and when they succeed again. */
  say: { lost: string; back: string };
  /** Called when a round failed. */
  failed?(): void;
}

/** Does a job's rounds, one after the other, until `signal` has aborted. A round that failed is logged, and the next one tries again. */
export async function keepRounds(
  round: () => Promise<void>,
  { everyMs, startsLater = false, say, failed }: Rounds,
  { clock, log, signal }: RoundsParts,
): Promise<void> {
  const state = createStateLog(log, say, clock.monotonic);
  const rest = () => clock.sleep(typeof everyMs === "number" ? everyMs : everyMs(), signal);
  if (startsLater) await rest();
  while (!signal.aborted) {
    try {
      await round();
      state.works();
    } catch (error) {
      failed?.();
      state.fails({ err: error });
    }
    await rest();
  }
}

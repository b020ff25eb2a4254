import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { Logger } from "../runtime/logger.ts";

/** Whether too many notifications are open (accepted and not ended), by the last measurement. */
export interface Load {
  isFull(): boolean;
  /** Measures until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Between measurements; at 1,900/s the count moves by 10,000 meanwhile, half a percent of the default bound. */
const MEASURE_EVERY_MS = 5_000;

export function createLoad(store: Pick<NotificationStore, "openCount">, openMax: number, clock: Clock, log: Logger): Load {
  let open = 0;
  const measure = async () => {
    try {
      // Counting one more than the bound is enough to know whether it is exceeded.
      open = await store.openCount(openMax + 1);
    } catch (error) {
      log.warn({ err: error }, "open notifications could not be counted");
    }
  };
  return {
    isFull: () => open > openMax,
    async run(signal) {
      while (!signal.aborted) {
        await measure();
        await clock.sleep(MEASURE_EVERY_MS, signal);
      }
    },
  };
}

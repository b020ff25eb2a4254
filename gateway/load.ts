import { BACKOFF_LONGEST_MS } from "../core/delivery/backoff.ts";
import type { NotificationClass } from "../core/delivery/channel.ts";
import { WATCHDOG_LONGEST_MS } from "../core/delivery/watchdog.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { ReadingOptions, SharedReading } from "../core/ports/shared-reading.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";

/** Whether too much is open (accepted, not ended and not scheduled for later), by the last measurement. */
export interface Load {
  isFull(notificationClass: NotificationClass): boolean;
  /** Reports an accepted notification's cost in units (core/quotas/cost.ts): what is open is counted in units, and the store counts only notifications. */
  accepted(cost: number): void;
  /** Measures until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** The part of the bound up to which each class is accepted: campaigns are rejected first, one-time passwords last. */
export const CLASS_SHARE: Readonly<Record<NotificationClass, number>> = { marketing: 0.7, transactional: 0.9, critical: 1 };

/**
 * What is due within this time counts as open now: a published delivery is evaluated again after at most the longest watchdog, a failed one
 * after at most the longest backoff. What is due later was scheduled, and is no load yet.
 */
export const OPEN_WITHIN_MS = 1.5 * Math.max(WATCHDOG_LONGEST_MS, BACKOFF_LONGEST_MS);

/** Between measurements; at 1,900/s the count moves by 10,000 meanwhile, half a percent of the default bound. */
export const MEASURE_EVERY_MS = 5_000;
/**
 * A count older than this is not trusted. Nothing is known of the load then, and the store is probably in trouble: marketing is rejected, and the
 * other classes are accepted for as long as their inserts succeed.
 */
export const TRUST_COUNT_MS = 90_000;
/** Counting up to a high bound takes at most a twentieth of one of the store's threads; one gateway counts for all. */
export const COUNT_READING: ReadingOptions = { everyMs: MEASURE_EVERY_MS - 500, timesCost: 19, trustMs: TRUST_COUNT_MS };
/** Half-life of the mean cost: as long as most notifications are open during an outage. */
const MEAN_HALF_LIFE_MS = 600_000;

export function createLoad(
  store: Pick<NotificationStore, "openCount">,
  openMax: number,
  { clock, log, read }: { clock: Clock; log: Logger; read: SharedReading },
): Load {
  let open = 0;
  let countedAt = clock.monotonic();
  const counting = createStateLog(
    log,
    { lost: "open notifications could not be counted", back: "open notifications are counted again" },
    clock.monotonic,
  );
  const mean = createDecayingMean(clock);
  const measure = async () => {
    try {
      // Counting one more than the bound is enough to know whether it is exceeded.
      open = await read("open", () => store.openCount(openMax + 1, clock.now() + OPEN_WITHIN_MS), COUNT_READING);
      countedAt = clock.monotonic();
      counting.works({ open });
    } catch (error) {
      counting.fails({ err: error, trustedForMs: TRUST_COUNT_MS });
    }
  };
  return {
    isFull(notificationClass) {
      if (clock.monotonic() - countedAt > TRUST_COUNT_MS) return notificationClass === "marketing";
      return open * mean.value() > openMax * CLASS_SHARE[notificationClass];
    },
    accepted: (cost) => mean.add(cost),
    async run(signal) {
      while (!signal.aborted) {
        await measure();
        await clock.sleep(MEASURE_EVERY_MS, signal);
      }
    },
  };
}

/** The mean of what was added, recent values counting more; 1 before the first. */
function createDecayingMean(clock: Pick<Clock, "monotonic">) {
  let [sum, weight, at] = [0, 0, clock.monotonic()];
  return {
    add(value: number): void {
      const now = clock.monotonic();
      const kept = 2 ** ((at - now) / MEAN_HALF_LIFE_MS);
      [sum, weight, at] = [sum * kept + value, weight * kept + 1, now];
    },
    value: () => (weight > 0 ? sum / weight : 1),
  };
}

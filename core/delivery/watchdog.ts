/** Unless configured otherwise, how long after a publication without effect the task is published again; doubles with each copy. */
export const WATCHDOG_FIRST_MS = 30_000;
export const WATCHDOG_LONGEST_MS = 600_000;

/** How long to wait for an effect of the latest publication, in ms. @param publishCount how often this attempt was published before */
export const watchdogMs = (publishCount: number, firstMs = WATCHDOG_FIRST_MS) =>
  Math.min(Math.max(WATCHDOG_LONGEST_MS, firstMs), firstMs * 2 ** Math.min(publishCount, 10));

/**
 * How long to wait before evaluating a copy again that may still be queued, in ms: about as long as the oldest queued task has waited.
 * @param lagMs how long the oldest one has waited
 */
export const queuedWaitMs = (lagMs: number, firstMs = WATCHDOG_FIRST_MS) => Math.max(firstMs, Math.min(lagMs, WATCHDOG_LONGEST_MS));

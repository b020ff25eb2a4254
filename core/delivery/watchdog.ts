/** Unless configured otherwise, the first look after a publication that nothing came of; doubling with each. */
export const WATCHDOG_FIRST_MS = 30_000;
export const WATCHDOG_LONGEST_MS = 600_000;

/** @param publications how often this attempt was published before */
export const watchdogMs = (publications: number, firstMs = WATCHDOG_FIRST_MS) =>
  Math.min(Math.max(WATCHDOG_LONGEST_MS, firstMs), firstMs * 2 ** Math.min(publications, 10));

/**
 * The next look at a copy that may still wait in the queue, in ms: what has waited for less has its turn within about as long.
 * @param lagMs how long the oldest one has waited
 */
export const waitingLookMs = (lagMs: number, firstMs = WATCHDOG_FIRST_MS) => Math.max(firstMs, Math.min(lagMs, WATCHDOG_LONGEST_MS));

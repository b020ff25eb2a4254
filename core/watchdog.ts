/** Unless configured otherwise, the first look after a publication that nothing came of; doubling with each, so that a long backlog is not published over and over. */
export const WATCHDOG_FIRST_MS = 30_000;
export const WATCHDOG_LONGEST_MS = 600_000;

/** @param publications how often this attempt was published before */
export const watchdogMs = (publications: number, firstMs = WATCHDOG_FIRST_MS) =>
  Math.min(Math.max(WATCHDOG_LONGEST_MS, firstMs), firstMs * 2 ** Math.min(publications, 10));

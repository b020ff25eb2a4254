/**
 * The delay before the second attempt, and the longest one, in ms. Doubling from 2 s reaches 15 min after ten attempts. From then on an outage costs
 * a delivery one call in 7.5 to 15 min: about 115 in 20 hours.
 */
const BACKOFF_FIRST_MS = 2_000;
export const BACKOFF_LONGEST_MS = 900_000;

/**
 * Delay before the attempt after `attempt`, in ms: exponential with equal jitter, so that deliveries that failed together
 * are not retried together.
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

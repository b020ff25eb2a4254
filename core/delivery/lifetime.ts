export const DAY_MS = 86_400_000;

/** The longest time from `sendAt` to the expiry: FCM keeps a message for at most 28 days. */
export const EXPIRY_MAX_MS = 28 * DAY_MS;

/**
 * A task that expired this long ago is acknowledged and nothing is written: its delivery has ended, or the relay ends it at the next evaluation. A void
 * attempt would be of no use, and after a purge of its notification it would never be removed.
 */
export const TASK_STALE_MS = DAY_MS;

/**
 * How long ago a notification must have ended before a purge may remove it. Its attempts keep a late copy of a task from being sent a second time,
 * and its id makes a repeated key one notification: both go with it.
 *
 * No copy may still be sent then. A task is never sent after its expiry, and its expiry is at most EXPIRY_MAX_MS after the notification ended: nothing
 * is attempted before `sendAt`, and a redrive sets a new expiry while the delivery is open. The remaining 7 days are for what comes late: void
 * attempts of expired tasks, until TASK_STALE_MS after the expiry, give or take the error of a dispatcher's clock; bounces of an e-mail, which
 * arrive within 3 days; and repeated calls, which callers do not make after 7 days.
 */
export const PURGE_AGE_MS_MIN = EXPIRY_MAX_MS + 7 * DAY_MS;

/** Throws a RangeError where a purge up to `before` would remove what ended less than `ageMinMs` ago. Both moments are ms since the epoch. */
export function checkPurge(before: number, now: number, ageMinMs = PURGE_AGE_MS_MIN): void {
  if (!(before <= now - ageMinMs))
    throw new RangeError(`a purge must leave what ended within the last ${ageMinMs} ms: before is ${before}, now ${now}`);
}

/** How long a provider may store what it is sent now, in ms: until it expires, or for its own lifetime where that is shorter; 0: not at all. */
export const storedMs = ({ expiresAt, ttlSeconds }: { expiresAt: number; ttlSeconds?: number | undefined }, now: number): number =>
  Math.max(0, Math.min(expiresAt - now, ttlSeconds === undefined ? Number.POSITIVE_INFINITY : ttlSeconds * 1_000));

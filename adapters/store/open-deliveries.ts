import type { Channel } from "../../core/delivery/channel.ts";
import { isOpen, type OpenState } from "../../core/delivery/notification.ts";
import { faultIn, type ReasonCode } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";

/** Open notifications that are read in one count at most: a third of a second of work, in parts. */
export const OPEN_READ_MAX = 100_000;
/** Details of one reason that are counted apart: providers have some dozens of codes. */
const DETAILS_MAX = 50;
/** Between two parts of a count, in ms, for the other work of the process and of the store. */
const PAUSE_MS = 10;

export interface OpenCount {
  channel: Channel;
  /** uncertain: the last attempt is in doubt. */
  state: OpenState;
  /** Why the last attempt did not succeed; none: it has not been tried, or waits in a queue. */
  reason: ReasonCode | "none";
  /** Of the reason, the most frequent first; at most DETAILS_MAX. Deliveries that have none, or another one, are in `count` alone. */
  details: readonly { detail: string; count: number }[];
  count: number;
  /** The earliest moment at which one of them was to be sent; ms since the epoch. */
  oldest: number;
}

/** What is open, by channel, state and reason, of the OPEN_READ_MAX notifications that are due first. Resolves early, with what it has, once `signal` aborts. */
export async function countOpenDeliveries(
  notifications: Pick<NotificationStore, "openCounts">,
  clock: Pick<Clock, "sleep">,
  signal?: AbortSignal,
): Promise<OpenCount[]> {
  const counts = new Map<string, Omit<OpenCount, "details"> & { details: Map<string, number> }>();
  for await (const batch of notifications.openCounts(OPEN_READ_MAX)) {
    for (const { channel, state, reason = "none", detail, count, oldest = Number.POSITIVE_INFINITY } of batch) {
      if (!isOpen(state)) continue;
      const key = `${channel} ${state} ${reason}`;
      const own = counts.get(key) ?? { channel, state, reason, details: new Map(), count: 0, oldest };
      counts.set(key, own);
      own.count += count;
      own.oldest = Math.min(own.oldest, oldest);
      if (detail !== undefined) addDetail(own.details, faultIn(detail), count);
    }
    if (signal?.aborted) break;
    await clock.sleep(PAUSE_MS, signal);
  }
  return [...counts.values()].map(({ details, ...rest }) => ({
    ...rest,
    details: [...details].map(([detail, count]) => ({ detail, count })).sort((a, b) => b.count - a.count),
  }));
}

function addDetail(details: Map<string, number>, detail: string, count: number): void {
  const before = details.get(detail);
  if (before !== undefined || details.size < DETAILS_MAX) details.set(detail, (before ?? 0) + count);
}

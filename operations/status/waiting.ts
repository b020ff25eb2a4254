import { countOpenDeliveries, type OpenCount } from "../../adapters/store/open-deliveries.ts";
import { type OutboxDue, readOutboxDue } from "../../adapters/store/outbox-due.ts";
import { DAY_MS } from "../../core/delivery/lifetime.ts";
import type { Store } from "../../core/ports/store.ts";
import { systemClock } from "../../runtime/clock.ts";

/** Failed deliveries of the last day that are counted at most. */
export const FAILED_MAX = 10_000;

/** What has not ended, and what failed. */
export interface Waiting {
  open: OpenCount[];
  outbox: OutboxDue["classes"];
  /** Notifications with a delivery that failed in the last 24 h, counted up to FAILED_MAX. */
  failed: number;
}

type WaitingStore = Pick<Store, "notifications" | "time">;

export async function readWaiting(store: WaitingStore): Promise<Waiting> {
  return { ...(await readOpen(store)), failed: await countFailed(store) };
}

/** What has not ended, the most frequent first. */
export async function readOpen({ notifications, time }: WaitingStore): Promise<Pick<Waiting, "open" | "outbox">> {
  const now = await time();
  const open = await countOpenDeliveries(notifications, systemClock);
  const { classes } = await readOutboxDue(notifications, now);
  return { open: open.sort((a, b) => b.count - a.count), outbox: classes };
}

/** Reads the notifications as a whole: with FAILED_MAX of them a second of work. */
export async function countFailed({ notifications, time }: WaitingStore): Promise<number> {
  const now = await time();
  let failed = 0;
  for await (const _ of notifications.failed(now - DAY_MS, now)) if (++failed === FAILED_MAX) break;
  return failed;
}

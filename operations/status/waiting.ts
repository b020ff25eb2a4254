import { countOpenDeliveries, type OpenCount } from "../../adapters/store/open-deliveries.ts";
import { type OutboxDue, readOutboxDue } from "../../adapters/store/outbox-due.ts";
import { DAY_MS } from "../../core/delivery/lifetime.ts";
import type { Store } from "../../core/ports/store.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Check } from "../audit/audit.ts";

/** Failed deliveries of the last day that are counted at most. */
export const FAILED_MAX = 10_000;

/** What has not ended, and what failed. */
export interface Waiting {
  open: OpenCount[];
  outbox: OutboxDue["classes"];
  /** Notifications with a delivery that failed in the last 24 h, counted up to FAILED_MAX. */
  failed: number;
  /** Where they were checked. */
  promises?: readonly Check[];
}

export async function readWaiting(store: Pick<Store, "notifications" | "time">): Promise<Waiting> {
  const now = await store.time();
  const open = await countOpenDeliveries(store.notifications, systemClock);
  const { classes } = await readOutboxDue(store.notifications, now);
  let failed = 0;
  for await (const _ of store.notifications.failed(now - DAY_MS, now)) if (++failed === FAILED_MAX) break;
  return { open: open.sort((a, b) => b.count - a.count), outbox: classes, failed };
}

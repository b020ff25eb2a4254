import { CLASSES } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import { errorLine, type Logger } from "../runtime/logger.ts";
import { classOf } from "./lease.ts";
import type { RelayMetrics } from "./metrics.ts";

/** Between two measurements, in ms: about as often as metrics are collected. */
const MEASURE_EVERY_MS = 15_000;
/** Due notifications of a class that are counted; the metric's help names it. */
const DUE_COUNT_MAX = 10_000;

/** Sets the gauges of what is due in the outbox until the signal aborts. Every relay reads all of it, so that each shows the same. */
export async function measureOutbox(
  notifications: Pick<NotificationStore, "dueKeys" | "dueUnder">,
  {
    metrics,
    clock,
    log,
    signal,
  }: { metrics: Pick<RelayMetrics, "outboxOldest" | "outboxDue">; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    try {
      await measureOnce(notifications, metrics, clock.now());
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ fault: errorLine(error) }, "outbox cannot be measured");
      failing = true;
    }
    await clock.sleep(MEASURE_EVERY_MS, signal);
  }
}

export async function measureOnce(
  notifications: Pick<NotificationStore, "dueKeys" | "dueUnder">,
  { outboxOldest, outboxDue }: Pick<RelayMetrics, "outboxOldest" | "outboxDue">,
  now: number,
): Promise<void> {
  const keys = Map.groupBy(await notifications.dueKeys(now), classOf);
  for (const notificationClass of CLASSES) {
    let [oldest, count] = [now, 0];
    for (const key of keys.get(notificationClass) ?? []) {
      const under = await notifications.dueUnder(key, now, DUE_COUNT_MAX - count);
      oldest = Math.min(oldest, under.oldest ?? now);
      count += under.count;
    }
    outboxOldest.set({ class: notificationClass }, (now - oldest) / 1_000);
    outboxDue.set({ class: notificationClass }, count);
  }
}

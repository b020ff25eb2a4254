import { type DueByChannel, readOutboxDue } from "../adapters/store/outbox-due.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import type { RelayMetrics } from "./metrics.ts";

/** Between two measurements, in ms: an autoscaler notices a rise within as much. */
const MEASURE_EVERY_MS = 5_000;
type DueStore = Pick<NotificationStore, "dueKeys" | "dueUnder">;
type Gauges = Pick<RelayMetrics, "outboxOldest" | "outboxDue">;
export interface MeasureParts {
  metrics: Gauges;
  /** Called with each measurement: an autoscaler counts what is due as backlog. */
  report: (due: DueByChannel) => void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** Sets the gauges of what is due in the outbox until the signal aborts. Every relay reads all of it, so that each shows the same. */
export async function measureOutbox(notifications: DueStore, { metrics, report, clock, log, signal }: MeasureParts): Promise<void> {
  const state = createStateLog(log, { lost: "outbox cannot be measured", back: "outbox is measured again" }, clock.monotonic);
  while (!signal.aborted) {
    try {
      report(await measureOnce(notifications, metrics, clock.now()));
      state.works();
    } catch (error) {
      state.fails({ err: error });
    }
    await clock.sleep(MEASURE_EVERY_MS, signal);
  }
}

export async function measureOnce(notifications: DueStore, { outboxOldest, outboxDue }: Gauges, now: number): Promise<DueByChannel> {
  const { classes, byChannel } = await readOutboxDue(notifications, now);
  for (const { notificationClass, oldestMs, count } of classes) {
    outboxOldest.set({ class: notificationClass }, oldestMs / 1_000);
    outboxDue.set({ class: notificationClass }, count);
  }
  return byChannel;
}

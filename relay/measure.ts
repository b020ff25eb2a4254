import { type DueByChannel, readOutboxDue } from "../adapters/store/outbox-due.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RelayMetrics } from "./metrics.ts";
import { keepRounds } from "./rounds.ts";

/** Between two measurements, in ms: the longest time until the autoscaler notices a rise. */
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
export async function measureOutbox(notifications: DueStore, parts: MeasureParts): Promise<void> {
  const { metrics, report, clock } = parts;
  const say = { lost: "outbox cannot be measured", back: "outbox is measured again" };
  const measure = async () => report(await measureOnce(notifications, metrics, clock.now()));
  await keepRounds(measure, { everyMs: MEASURE_EVERY_MS, say }, parts);
}

export async function measureOnce(notifications: DueStore, { outboxOldest, outboxDue }: Gauges, now: number): Promise<DueByChannel> {
  const { classes, byChannel } = await readOutboxDue(notifications, now);
  for (const { notificationClass, oldestMs, count } of classes) {
    outboxOldest.set({ class: notificationClass }, oldestMs / 1_000);
    outboxDue.set({ class: notificationClass }, count);
  }
  return byChannel;
}

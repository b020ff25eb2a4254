import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { classOfKey, readOutboxKey } from "../../core/delivery/outbox-key.ts";
import type { NotificationStore } from "../../core/ports/notification-store.ts";

/** Due notifications of a class that are counted at most; the metric's help names it. */
const DUE_COUNT_MAX = 100_000;

/** Notifications due, by the channel whose queue their next task goes to. */
export type DueByChannel = Partial<Record<Channel, number>>;

/** What is due in the outbox. */
export interface OutboxDue {
  /** In the order of CLASSES; how long the oldest has waited, in ms, 0 where none is due. */
  classes: { notificationClass: NotificationClass; oldestMs: number; count: number }[];
  byChannel: DueByChannel;
}

/** Reads an index only; at most DUE_COUNT_MAX entries of it for each class. */
export async function readOutboxDue(notifications: Pick<NotificationStore, "dueKeys" | "dueUnder">, now: number): Promise<OutboxDue> {
  const keys = Map.groupBy(await notifications.dueKeys(now), classOfKey);
  const byChannel: DueByChannel = {};
  const classes: OutboxDue["classes"] = [];
  for (const notificationClass of CLASSES) {
    let [oldest, count] = [now, 0];
    for (const key of keys.get(notificationClass) ?? []) {
      const under = await notifications.dueUnder(key, now, DUE_COUNT_MAX - count);
      oldest = Math.min(oldest, under.oldest ?? now);
      count += under.count;
      for (const { channel } of readOutboxKey(key)?.queues ?? []) byChannel[channel] = (byChannel[channel] ?? 0) + under.count;
    }
    classes.push({ notificationClass, oldestMs: now - oldest, count });
  }
  return { classes, byChannel };
}

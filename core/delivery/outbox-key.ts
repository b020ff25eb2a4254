import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "./channel.ts";
import type { NotificationRecord } from "./notification.ts";

/** The queue of an app's tasks: where they wait in JetStream, and in the outbox before that. */
export interface AppQueue {
  notificationClass: NotificationClass;
  channel: Channel;
  app: string;
}

/** No copy of its task is in the queue: it was never published, or a dispatcher handed it back. */
export const isUnpublished = ({ publishCount, publishedAt }: { publishCount: number; publishedAt?: number | undefined }) =>
  publishCount === 0 || publishedAt === 0;

type Keyed = Pick<NotificationRecord, "notificationClass" | "app"> & {
  deliveries: readonly Pick<NotificationRecord["deliveries"][number], "channel" | "state" | "publishCount" | "publishedAt" | "nextAt">[];
};

export const queueKey = ({ notificationClass, channel, app }: AppQueue) => `${notificationClass}.${channel}.${app}`;

/**
 * Under which key an open notification waits in the outbox, so that relays lease by class and by app: `class.channel.app` while the delivery that is
 * due first waits for its task to be published, which an app's share of the queue may delay; else the class alone. Undefined once all have ended.
 */
export function outboxKey({ notificationClass, app, deliveries }: Keyed): string | undefined {
  let first: Keyed["deliveries"][number] | undefined;
  for (const d of deliveries) if (d.nextAt !== undefined && (first?.nextAt === undefined || d.nextAt < first.nextAt)) first = d;
  if (!first) return undefined;
  const unpublished = first.state === "pending" && isUnpublished(first);
  return unpublished ? queueKey({ notificationClass, channel: first.channel, app }) : notificationClass;
}

/** The class of a key, and the queue where it names one; undefined where it is no key of this version's. */
export function readOutboxKey(key: string): { notificationClass: NotificationClass; queue: AppQueue | undefined } | undefined {
  const [first, second, app] = key.split(".");
  const notificationClass = CLASSES.find((c) => c === first);
  if (!notificationClass) return undefined;
  if (second === undefined) return { notificationClass, queue: undefined };
  const channel = CHANNELS.find((c) => c === second);
  return channel && app ? { notificationClass, queue: { notificationClass, channel, app } } : undefined;
}

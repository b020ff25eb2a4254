import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "./channel.ts";
import type { Delivery, NotificationRecord } from "./notification.ts";

/** The queue of an app's tasks: where they wait in JetStream, and in the outbox before that. */
export interface AppQueue {
  notificationClass: NotificationClass;
  channel: Channel;
  app: string;
}

/** No copy of its task is in the queue: it was never published, or a dispatcher handed it back. */
export const isUnpublished = ({ publishCount, publishedAt }: { publishCount: number; publishedAt?: number | undefined }) =>
  publishCount === 0 || publishedAt === 0;

/**
 * Deliveries due so soon after the first one, in ms, wait with it under one key: longer than relays delay what found no room, or could not be published,
 * so that they come together again however often they were tried.
 */
export const TOGETHER_MS = 2_000;

type Placed = Pick<NotificationRecord, "notificationClass" | "app" | "expiresAt"> & {
  deliveries: readonly Pick<Delivery, "channel" | "state" | "publishCount" | "publishedAt" | "nextAt" | "expiresAt">[];
};

const isOpen = <D extends { nextAt?: number | undefined }>(d: D): d is D & { nextAt: number } => d.nextAt !== undefined;
const isWaiting = (d: Placed["deliveries"][number]) => d.state === "pending" && isUnpublished(d);

/** Where an open notification waits in the outbox. */
export interface OutboxPlace {
  /**
   * Relays lease by class and by app: `class.channel.app` while the delivery that is due first waits for its task to be published, which an app's share
   * of the queue may delay (`class.channel+channel.app` where others wait with it), else the class alone.
   */
  key: string;
  /** When it is leased even where no queue of its key has room: another delivery is due then, or one of the waiting ones has expired. */
  laterDue: number;
}

/** Undefined once all deliveries have ended. */
export function outboxPlace({ notificationClass, app, expiresAt, deliveries }: Placed): OutboxPlace | undefined {
  // Without copies and sorting, because every insert and change of a notification asks: 0.1 us for one delivery instead of 0.6.
  const open = deliveries.filter(isOpen);
  let [first] = open;
  if (!first) return undefined;
  for (const d of open) if (d.nextAt < first.nextAt) first = d;
  const [isFirstWaiting, together] = [isWaiting(first), first.nextAt + TOGETHER_MS];
  const isUnderKey = (d: (typeof open)[number]) => !isFirstWaiting || (isWaiting(d) && d.nextAt <= together);
  const channels = () => CHANNELS.filter((channel) => open.some((d) => d.channel === channel && isUnderKey(d)));
  return {
    key: isFirstWaiting ? `${notificationClass}.${channels().join("+")}.${app}` : notificationClass,
    laterDue: Math.min(...open.map((d) => (isUnderKey(d) ? (d.expiresAt ?? expiresAt) : d.nextAt))),
  };
}

/** The class of a key. An earlier version's records have no key; some of them may be critical. */
export const classOfKey = (key: string): NotificationClass => readOutboxKey(key)?.notificationClass ?? "critical";

/** The class of a key, and the queues where it names any; undefined where it is no key of this version's. */
export function readOutboxKey(key: string): { notificationClass: NotificationClass; queues: AppQueue[] } | undefined {
  const [first, second, app] = key.split(".");
  const notificationClass = CLASSES.find((c) => c === first);
  if (!notificationClass) return undefined;
  if (second === undefined) return { notificationClass, queues: [] };
  const named = second.split("+");
  const channels = CHANNELS.filter((c) => named.includes(c));
  return app && channels.length === named.length
    ? { notificationClass, queues: channels.map((channel) => ({ notificationClass, channel, app })) }
    : undefined;
}

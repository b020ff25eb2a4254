import type { Channel, NotificationClass } from "./channel.ts";
import { type Endpoint, endpointKey } from "./endpoint.ts";
import type { Delivery, DeliveryState, NotificationRecord } from "./notification.ts";
import { type WaitingFor, waitingFor } from "./waiting.ts";

/** The tags of a notification as indexes have them: key=value. */
export const tagTexts = ({ tags = {} }: Pick<NotificationRecord, "tags">): string[] =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .sort();

/** All that is given must hold; what is about a delivery must hold for one and the same. An empty list selects nothing. Times are ms since the epoch. */
export interface SearchFilter {
  idempotencyKey?: string | undefined;
  userId?: string | undefined;
  category?: string | undefined;
  notificationClass?: NotificationClass | undefined;
  /** key=value. */
  tag?: string | undefined;
  /** Accepted at or after this. */
  from?: number | undefined;
  /** Accepted before this. */
  before?: number | undefined;
  /** Of a delivery, as all below. In its canonical form. */
  endpoint?: Endpoint | undefined;
  states?: readonly DeliveryState[] | undefined;
  channels?: readonly Channel[] | undefined;
  reasonCode?: string | undefined;
  waitingFor?: WaitingFor | undefined;
  providerRef?: string | undefined;
}

/**
 * Whether the search finds it. Pure.
 * @param referred ids of the deliveries with an attempt that has the filter's `providerRef`
 */
export function isFound(n: NotificationRecord, f: SearchFilter, now: number, referred: ReadonlySet<string> = new Set()): boolean {
  if (f.idempotencyKey !== undefined && n.idempotencyKey !== f.idempotencyKey) return false;
  if (f.userId !== undefined && (n.recipient.kind !== "user" || n.recipient.userId !== f.userId)) return false;
  if (f.category !== undefined && n.category !== f.category) return false;
  if (f.notificationClass !== undefined && n.notificationClass !== f.notificationClass) return false;
  if (f.tag !== undefined && !tagTexts(n).includes(f.tag)) return false;
  if (f.from !== undefined && n.acceptedAt < f.from) return false;
  if (f.before !== undefined && n.acceptedAt >= f.before) return false;
  return !isAboutDeliveries(f) || n.deliveries.some((d) => isDeliveryFound(n, d, f, now, referred));
}

/** Of a notification that the search finds, the deliveries that its filter is about; all where it is about none. Pure. `referred` as for isFound(). */
export const foundDeliveries = (n: NotificationRecord, f: SearchFilter, now: number, referred: ReadonlySet<string>): Delivery[] =>
  n.deliveries.filter((d) => isDeliveryFound(n, d, f, now, referred));

const isAboutDeliveries = (f: SearchFilter) =>
  [f.endpoint, f.states, f.channels, f.reasonCode, f.waitingFor, f.providerRef].some((given) => given !== undefined);

function isDeliveryFound(n: NotificationRecord, d: Delivery, f: SearchFilter, now: number, referred: ReadonlySet<string>): boolean {
  if (f.endpoint !== undefined && (d.endpoint === undefined || endpointKey(d.endpoint) !== endpointKey(f.endpoint))) return false;
  if (f.states?.includes(d.state) === false) return false;
  if (f.channels?.includes(d.channel) === false) return false;
  if (f.reasonCode !== undefined && d.reason?.code !== f.reasonCode) return false;
  if (f.waitingFor !== undefined && waitingFor(n, d, now) !== f.waitingFor) return false;
  return f.providerRef === undefined || referred.has(d.id);
}

import type { Channel, NotificationClass } from "./channel.ts";

/** Names of streams, subjects and consumers, built here alone. */
export const streamName = (channel: Channel) => `CARILLON_${channel.toUpperCase()}`;
export const streamSubjects = (channel: Channel) => `carillon.${channel}.*`;
export const taskSubject = (channel: Channel, notificationClass: NotificationClass) => `carillon.${channel}.${notificationClass}`;
export const consumerName = (channel: Channel, notificationClass: NotificationClass) => `${channel}-${notificationClass}`;
/** What the channel's pods tell of themselves, outside of every stream. */
export const reportSubject = (channel: Channel) => `carillon.report.${channel}`;

/** Which copy of a task this is. JetStream forgets it; it only saves work. */
export const taskMessageId = (deliveryId: string, attempt: number, publication: number) => `${deliveryId}/${attempt}.${publication}`;
/** Back from a message's id; undefined where it is no task's. */
export function readTaskMessageId(id: string): { deliveryId: string; attempt: number; publication: number } | undefined {
  const [, deliveryId, attempt, publication] = /^([0-9a-f]{32}-\d+)\/(\d+)\.(\d+)$/.exec(id) ?? [];
  return deliveryId && attempt ? { deliveryId, attempt: Number(attempt), publication: Number(publication) } : undefined;
}

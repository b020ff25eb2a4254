import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "./channel.ts";

/** Names of streams, subjects and consumers, built and parsed here alone. */
export const streamName = (channel: Channel) => `CARILLON_${channel.toUpperCase()}`;
export const streamSubjects = (channel: Channel) => `carillon.${channel}.*`;
export const taskSubject = (channel: Channel, notificationClass: NotificationClass) => `carillon.${channel}.${notificationClass}`;
export const consumerName = (channel: Channel, notificationClass: NotificationClass) => `${channel}-${notificationClass}`;

/** Which copy of a task this is. JetStream forgets it; it only saves work. */
export const taskMessageId = (deliveryId: string, attempt: number, publication: number) => `${deliveryId}/${attempt}.${publication}`;

export function parseTaskSubject(subject: string): { channel: Channel; notificationClass: NotificationClass } | undefined {
  const [head, channelText, classText, ...rest] = subject.split(".");
  const channel = CHANNELS.find((c) => c === channelText);
  const notificationClass = CLASSES.find((c) => c === classText);
  return head === "carillon" && channel && notificationClass && rest.length === 0 ? { channel, notificationClass } : undefined;
}

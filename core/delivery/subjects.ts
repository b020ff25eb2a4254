import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "./channel.ts";

/** Names of streams, subjects and consumers, built here alone. */
export const streamName = (channel: Channel) => `CARILLON_${channel.toUpperCase()}`;
export const streamSubjects = (channel: Channel) => `carillon.${channel}.>`;
/** With the app, so that the stream counts the tasks of each. Without: what versions before 0.1.0 publish. */
export const taskSubject = (channel: Channel, notificationClass: NotificationClass, app?: string) =>
  `carillon.${channel}.${notificationClass}${app === undefined ? "" : `.${app}`}`;
/** The subjects of an app's tasks on every channel. */
export const taskSubjects = (app: string) => CHANNELS.flatMap((channel) => CLASSES.map((c) => taskSubject(channel, c, app)));
/** What a consumer takes: the tasks of every app, and those of versions before 0.1.0. */
export const consumerSubjects = (channel: Channel, notificationClass: NotificationClass) => [
  taskSubject(channel, notificationClass),
  taskSubject(channel, notificationClass, "*"),
];
export const consumerName = (channel: Channel, notificationClass: NotificationClass) => `${channel}-${notificationClass}`;
/** The subject of the reports that the channel's pods send to the autoscaler; in no stream. */
export const reportSubject = (channel: Channel) => `carillon.report.${channel}`;
/** The subject of the relays' reports of what is due in the outbox; in no stream. */
export const OUTBOX_REPORT_SUBJECT = "carillon.report.outbox";

/** The message id of one copy of a task. JetStream drops duplicates only for a while: that saves work and is no guarantee. */
export const taskMessageId = (deliveryId: string, attempt: number, publication: number) => `${deliveryId}/${attempt}.${publication}`;
/** Parses a message id; undefined where it is not a task's. */
export function readTaskMessageId(id: string): { deliveryId: string; attempt: number; publication: number } | undefined {
  const [, deliveryId, attempt, publication] = /^([0-9a-f]{32}-\d+)\/(\d+)\.(\d+)$/.exec(id) ?? [];
  return deliveryId && attempt ? { deliveryId, attempt: Number(attempt), publication: Number(publication) } : undefined;
}

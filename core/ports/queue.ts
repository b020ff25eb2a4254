import type { Channel, NotificationClass, Priority } from "../channel.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Content } from "../notification.ts";

/** One attempt of one delivery, with all a dispatcher needs. */
export interface DeliveryTask {
  notificationId: string;
  deliveryId: string;
  attempt: number;
  /** Which copy this is, from 0. */
  publication: number;
  app: string;
  userId: string | undefined;
  channel: Channel;
  endpoint: Endpoint;
  endpointId: string | undefined;
  notificationClass: NotificationClass;
  category: string;
  priority: Priority;
  collapseKey: string | undefined;
  /** ms since the epoch. */
  expiresAt: number;
  /** Only the part the channel carries. */
  content: Content;
  policyResend: boolean;
  /** W3C traceparent; travels in the headers. */
  traceparent: string | undefined;
}

export interface TaskPublisher {
  /** Whether the stream has it: false for whatever else happened. Never rejects. */
  publish(task: DeliveryTask): Promise<boolean>;
}

/** How a consumed task ended for the queue. */
export type Settlement = { kind: "ack" } | { kind: "nak"; delayMs: number } | { kind: "term"; reason: string };

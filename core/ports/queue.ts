import type { Content } from "../content/content.ts";
import type { Channel, NotificationClass, Priority } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

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
  /** Only the part the channel carries; empty where `contentHash` is set. */
  content: Content;
  /** The content is in the store, under this hash. */
  contentHash?: string | undefined;
  policyResend: boolean;
  /** First attempt of the current run: provider choice and backoff count from it. */
  runStart: number;
  redrive: number | undefined;
  /** Not to send, but to ask the provider what became of the attempt. */
  statusQuery: boolean;
  /** Capabilities that sending it takes (core/delivery/needs.ts); a newer version may name others. */
  needs: readonly string[];
  /** W3C traceparent; travels in the headers. */
  traceparent: string | undefined;
}

export interface TaskPublisher {
  /** Whether the stream has it: false for whatever else happened. Never rejects. */
  publish(task: DeliveryTask): Promise<boolean>;
}

export interface QueueLag {
  /**
   * When the oldest task was published that was never handed out, in ms since the epoch by this process's clock; Infinity where none waits.
   * All that was published before has been handed out, or is lost. Undefined where it cannot be told. Never rejects; has a deadline. Asked for each
   * delivery of an iteration, so that an answer serves for a moment.
   */
  waitingSince(channel: Channel, notificationClass: NotificationClass): Promise<number | undefined>;
}

/** One message as it was handed out. */
export interface TaskCopy {
  /** Undefined where the bytes are no task. */
  task: DeliveryTask | undefined;
  bytes: Uint8Array;
  channel: Channel;
  notificationClass: NotificationClass;
  /** As taskMessageId() made it; else stream and sequence. */
  messageId: string;
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** Who has it: no two copies have the same. */
  holder: string;
}

/** How a consumed task ended for the queue. */
export type Settlement = { kind: "ack" } | GivenBack | { kind: "term" };

export interface GivenBack {
  kind: "nak";
  delayMs: number;
  /** It could be done now, but for a limit of ours: it counts as work to do, not as parked. */
  ready?: true;
}

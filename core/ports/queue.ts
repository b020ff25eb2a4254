import type { Content } from "../content/content.ts";
import type { Channel, NotificationClass, Priority } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

/** One attempt of one delivery, with all a dispatcher needs. */
export interface DeliveryTask {
  notificationId: string;
  deliveryId: string;
  attempt: number;
  /** Number of this copy, from 0. */
  publication: number;
  app: string;
  userId: string | undefined;
  channel: Channel;
  endpoint: Endpoint;
  endpointId: string | undefined;
  /** Of a copy of a mail: the recipients' addresses, which it shows. */
  shownTo?: readonly string[] | undefined;
  /** OutboundDelivery.unsubscribeUrl; set by the dispatcher, and not in the queue. */
  unsubscribeUrl?: string | undefined;
  notificationClass: NotificationClass;
  category: string;
  priority: Priority;
  collapseKey: string | undefined;
  /** ms since the epoch. */
  expiresAt: number;
  /** How long the provider may store it, from the attempt on; 0: not at all; absent: until it expires. */
  ttlSeconds?: number | undefined;
  /** Only the part the channel carries; empty where `contentHash` is set. */
  content: Content;
  /** The content is in the store, under this hash. */
  contentHash?: string | undefined;
  policyResend: boolean;
  /** First attempt of the current run: provider choice and backoff count from it. */
  runStart: number;
  redrive: number | undefined;
  /** Query the outcome of the attempt instead of sending it. */
  statusQuery: boolean;
  /** Capabilities needed to send it (core/delivery/needs.ts); a newer version may name others. */
  needs: readonly string[];
  /** W3C traceparent; travels in the headers. */
  traceparent: string | undefined;
}

export interface TaskPublisher {
  /** True where the stream confirmed it, false in every other case. Never rejects. */
  publish(task: DeliveryTask): Promise<boolean>;
}

export interface QueueLag {
  /**
   * When the oldest task was published that was never delivered, in ms since the epoch by this process's clock; Infinity where none waits.
   * Every task published before it has been delivered, or is lost. Undefined where it cannot be read. Never rejects; has a deadline. Called for each
   * delivery of an iteration, so that an answer is cached briefly.
   */
  waitingSince(channel: Channel, notificationClass: NotificationClass): Promise<number | undefined>;
}

/** The queue of a channel and class now. */
export interface QueueDepth {
  /** Tasks never delivered to a dispatcher. */
  waiting: number;
  /** Tasks delivered and not acknowledged. */
  held: number;
  /** Pulls that wait for tasks, made by dispatchers that can hold more. */
  pulls: number;
  /** How often a task was delivered so far. */
  delivered: number;
  /** Tasks by app, those being handled included. */
  byApp: ReadonlyMap<string, number>;
}

export interface QueueDepths {
  /** Undefined where it cannot be read. Never rejects; has a deadline. */
  read(channel: Channel, notificationClass: NotificationClass): Promise<QueueDepth | undefined>;
}

/** One delivery of a message by the queue. */
export interface TaskCopy {
  /** Undefined where the bytes are not a task. */
  task: DeliveryTask | undefined;
  bytes: Uint8Array;
  channel: Channel;
  notificationClass: NotificationClass;
  /** As taskMessageId() made it; else stream and sequence. */
  messageId: string;
  /** How often the queue delivered it, this time included. */
  deliveries: number;
  /**
   * Worker and message, for the claim gate. Another delivery of the message to the same worker has the same holder, so that it goes on where an earlier
   * one was returned to the queue; the attempt's insert decides between two at once.
   */
  holder: string;
}

/** How a consumed task ended for the queue. */
export type Settlement = Done | GivenBack | { kind: "term" };

export interface Done {
  kind: "ack";
  /** How long its delivery, which was handed back to the store because no provider may be called, waits there, in ms. */
  waitsMs?: number;
}

export interface GivenBack {
  kind: "nak";
  delayMs: number;
  /** Delayed only by Carillon's own rate limiter: it counts as backlog, not as parked. */
  ready?: true;
}

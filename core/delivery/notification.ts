import type { Content } from "../content/content.ts";
import type { ContentHashes } from "../content/reference.ts";
import type { SmsSize } from "../content/sms-content.ts";
import type { Channel, ContentPart, NotificationClass, Priority } from "./channel.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Reason } from "./reason.ts";

export type Recipient = { kind: "user"; userId: string } | { kind: "endpoint"; endpoint: Endpoint };

/** The open states, and the ends. States only move forward. */
export const OPEN_STATES = ["pending", "uncertain"] as const;
export const END_STATES = ["sent", "delivered", "suppressed", "expired", "cancelled", "failed"] as const;
export type OpenState = (typeof OPEN_STATES)[number];
export type EndState = (typeof END_STATES)[number];
export type DeliveryState = OpenState | EndState;

export const isOpen = (state: DeliveryState): state is OpenState => state === "pending" || state === "uncertain";
export const isEnd = (state: DeliveryState | undefined): state is EndState => END_STATES.some((end) => end === state);

/** Which copy of a mail. */
export type Copy = "cc" | "bcc";

/** One notification to one endpoint. Times are ms since the epoch. */
export interface Delivery {
  /** notification id, "-", index. */
  id: string;
  channel: Channel;
  /** Absent only where the recipient has none on this channel; then it was suppressed on acceptance. */
  endpoint?: Endpoint | undefined;
  /** Of a mail to an address in cc or bcc, not to the recipient. */
  copy?: Copy | undefined;
  /** Set where the endpoint is a registered one, so that a dead one can be removed. */
  endpointId?: string | undefined;
  state: DeliveryState;
  /** The attempt now due or under way, from 1. */
  attempt: number;
  /** How often this attempt's task was published. Part of the message id, so that JetStream does not drop a watchdog's copy as a duplicate. */
  publishCount: number;
  /** When it was last published, in ms since the epoch; absent while only the gateway did, as it accepted it. 0: handed back since, so no copy is queued. */
  publishedAt?: number | undefined;
  /** When the relay evaluates it next; absent exactly when the delivery has ended. */
  nextAt?: number | undefined;
  /** While uncertain: since when, in ms since the epoch. */
  uncertainSince?: number | undefined;
  /** The attempt repeats one of unknown outcome, by the policy of its class. At most one ever does. */
  policyResend?: boolean | undefined;
  /** First attempt of the current run (the attempts since acceptance, or since a redrive); absent: 1. */
  runStart?: number | undefined;
  /** How often it was redriven although it may have been sent; absent: never. */
  redrive?: number | undefined;
  /** Where a redrive gave it more time than its notification has. */
  expiresAt?: number | undefined;
  providerRef?: string | undefined;
  /** Why it is suppressed or failed, or why the last attempt did not succeed. */
  reason?: Reason | undefined;
  endedAt?: number | undefined;
}

/** A notification with its deliveries: one document, which is also the outbox entry. */
export interface NotificationRecord {
  /** 32 hex digits: a hash of app and idempotency key. */
  id: string;
  app: string;
  idempotencyKey: string;
  /** Hash of what the caller asked for, after its version and a colon; hex alone where a development build before 0.1.0 stored it. */
  payloadHash: string;
  recipient: Recipient;
  notificationClass: NotificationClass;
  category: string;
  /** Without the parts that `contentHashes` names. */
  content: Content;
  /** Parts too large to be kept here: the hashes under which the content store has them, for this app. */
  contentHashes?: ContentHashes | undefined;
  /** Those of the parts in `contentHashes` that only some dispatchers can send (core/content/rich.ts). */
  richApart?: ContentPart[] | undefined;
  /** The blobs that the mail attaches, of this app. */
  blobIds?: string[] | undefined;
  /**
   * When its content was deleted, because its time was over or its recipient was erased; ms since the epoch. Then all deliveries have ended, and none
   * is opened again.
   */
  contentDeletedAt?: number | undefined;
  /** The app had accounts of its own when it was accepted: only a dispatcher that reads them may send it. */
  hasOwnAccounts?: true | undefined;
  /** Of the SMS, where `contentHashes` names it: the answer to a send shows it. */
  smsSizeApart?: SmsSize | undefined;
  priority: Priority;
  collapseKey?: string | undefined;
  acceptedAt: number;
  sendAt: number;
  expiresAt: number;
  /** How long a provider may store it, from each attempt on; 0: not at all; absent: until it expires. */
  ttlSeconds?: number | undefined;
  /** W3C traceparent of the call that brought it, so that what the relay publishes later belongs to the same trace. */
  traceparent?: string | undefined;
  /** By which it is found (docs/search-and-cancel.md). */
  tags?: Readonly<Record<string, string>> | undefined;
  /** Shared with others that are cancelled together with it. */
  cancelKey?: string | undefined;
  deliveries: Delivery[];
}

/** Not after this moment; ms since the epoch. */
export const expiryOf = (n: NotificationRecord, d: Delivery) => d.expiresAt ?? n.expiresAt;

/** When the last delivery ended; undefined while one is open. */
export function endedAt({ acceptedAt, deliveries }: Pick<NotificationRecord, "acceptedAt" | "deliveries">): number | undefined {
  return dueAt(deliveries) === undefined ? Math.max(acceptedAt, ...deliveries.map((d) => d.endedAt ?? acceptedAt)) : undefined;
}

/** When the notification is due: the earliest `nextAt` of its deliveries; undefined once every delivery has ended. */
export function dueAt(deliveries: readonly Delivery[]): number | undefined {
  let due: number | undefined;
  for (const { nextAt } of deliveries) if (nextAt !== undefined && (due === undefined || nextAt < due)) due = nextAt;
  return due;
}

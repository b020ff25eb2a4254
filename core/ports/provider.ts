import type { Content } from "../content/content.ts";
import type { Channel, NotificationClass, Priority } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";
import type { Fault, Outcome } from "../delivery/outcome.ts";

/** What a provider is asked to send: one attempt of one delivery. */
export interface OutboundDelivery {
  deliveryId: string;
  /** delivery id, "/", attempt number: sent in every field that the provider returns. */
  attemptId: string;
  app: string;
  channel: Channel;
  endpoint: Endpoint;
  /** Of a copy of a mail: the recipients' addresses, for its To header, where the provider can show others than the one that it sends to. */
  shownTo?: readonly string[] | undefined;
  /** Of a mail that offers to unsubscribe: where its recipient does, by one click. */
  unsubscribeUrl?: string | undefined;
  notificationClass: NotificationClass;
  category: string;
  content: Content;
  priority: Priority;
  collapseKey?: string | undefined;
  /** ms since the epoch. */
  expiresAt: number;
  /** How long the provider may store it, at most until `expiresAt`; 0: not at all; absent: until it expires. */
  ttlSeconds?: number | undefined;
}

/** An attempt of unknown outcome. */
export interface StatusQuery {
  attemptId: string;
  deliveryId: string;
  endpoint: Endpoint;
  content: Content;
  /** When it was claimed, a moment before the call; ms since the epoch. */
  startedAt: number;
}

/** What a status query found. Absence proves nothing: providers index late. */
export type Finding = { kind: "found"; outcome: Outcome } | { kind: "absent" } | { kind: "unreadable"; fault: Fault };

/**
 * How an account would send something. `sender`: which of its senders, by the name of its configuration, absent where there is one. "barred": it never
 * can, while another account or provider perhaps can; `reason` is one word of ours.
 */
export type Route = { kind: "open"; sender?: string | undefined } | { kind: "barred"; reason: string };

/**
 * Asked synchronously right before the first byte of a send, after all that may take time: tokens, signatures, connections. False: what was checked
 * before the call is too old by now.
 */
export type MayBegin = () => boolean;
export const ALWAYS: MayBegin = () => true;

/**
 * One provider account. `send` makes exactly one call and never retries, logs or throws for an expected answer;
 * when `signal` aborts after the request may have been written, the outcome is `unanswered`. Where `mayBegin` says no, nothing is written and the
 * outcome is `unavailable`, as where `signal` aborts before the first byte.
 */
export interface Provider extends AsyncDisposable {
  /** The name in attempts, metrics and logs. */
  readonly name: string;
  /** Which account of the provider; absent: DEFAULT_ACCOUNT. */
  readonly account?: string | undefined;
  /** Pure, and asked before each call; absent: it sends everything of its channel from one sender. What is barred, send() rejects without a call. */
  route?(what: Pick<OutboundDelivery, "endpoint" | "content">): Route;
  send(delivery: OutboundDelivery, signal: AbortSignal, mayBegin?: MayBegin): Promise<Outcome>;
  /** Queries the outcome of an attempt; absent where the provider cannot. One call, never retries, never throws for an expected answer. */
  statusQuery?(question: StatusQuery, signal: AbortSignal): Promise<Finding>;
}

import type { Content } from "../content/content.ts";
import type { Channel, NotificationClass, Priority } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";
import type { Fault, Outcome } from "../delivery/outcome.ts";

/** What a provider is asked to send: one attempt of one delivery. */
export interface OutboundDelivery {
  deliveryId: string;
  /** delivery id, "/", attempt number: travels in every field of the provider's that comes back. */
  attemptId: string;
  app: string;
  channel: Channel;
  endpoint: Endpoint;
  notificationClass: NotificationClass;
  category: string;
  content: Content;
  priority: Priority;
  collapseKey?: string | undefined;
  /** ms since the epoch. */
  expiresAt: number;
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
 * One provider account. `send` makes exactly one call and never retries, logs or throws for an expected answer;
 * when `signal` aborts after the request may have been written, the outcome is `unanswered`.
 */
export interface Provider extends AsyncDisposable {
  /** As attempts, metrics and logs have it. */
  readonly name: string;
  /** Which account of the provider; absent: DEFAULT_ACCOUNT. */
  readonly account?: string | undefined;
  send(delivery: OutboundDelivery, signal: AbortSignal): Promise<Outcome>;
  /** Asks what became of an attempt, where the provider can tell. One call, never retries; throws for nothing expected. */
  statusQuery?(question: StatusQuery, signal: AbortSignal): Promise<Finding>;
}

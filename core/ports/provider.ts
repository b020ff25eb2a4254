import type { Channel, NotificationClass, Priority } from "../channel.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Content } from "../notification.ts";
import type { Outcome } from "../outcome.ts";

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

/**
 * One provider account. `send` makes exactly one call and never retries, logs or throws for an expected answer;
 * when `signal` aborts after the request may have been written, the outcome is `unanswered`.
 */
export interface Provider extends AsyncDisposable {
  /** apns, fcm, webpush, twilio, vonage, sendgrid, mandrill. */
  readonly name: string;
  send(delivery: OutboundDelivery, signal: AbortSignal): Promise<Outcome>;
}

import type { NotificationClass } from "../delivery/channel.ts";

/** Leave to make one call to a channel's providers. */
export type Token = { kind: "granted" } | { kind: "later"; delayMs: number };

/** Keeps all pods of a channel together within what its providers' contract allows. */
export interface RateLimiter {
  /**
   * Waits a moment for leave to make one call, never for ever; never rejects. Asked before the attempt is claimed: a token that its taker
   * does not use, or dies with, is one call less and nothing else.
   */
  take(notificationClass: NotificationClass): Promise<Token>;
}

export const UNLIMITED: RateLimiter = { take: async () => ({ kind: "granted" }) };

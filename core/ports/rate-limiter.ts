import type { NotificationClass } from "../delivery/channel.ts";

/** Permission for one call to a channel's providers. */
export type Token = { kind: "granted" } | { kind: "later"; delayMs: number };

/** Keeps all pods of a channel together within the rate that the provider allows. */
export interface RateLimiter {
  /**
   * Waits for a token, with a deadline; never rejects. Called before the attempt is claimed: a token that is not used, for example after a
   * crash, costs one call of the rate and nothing else.
   */
  take(notificationClass: NotificationClass): Promise<Token>;
}

export const UNLIMITED: RateLimiter = { take: async () => ({ kind: "granted" }) };

import type { NotificationClass } from "../delivery/channel.ts";

/** Leave to make one call to a channel's providers. */
export type Permit = { kind: "granted" } | { kind: "later"; delayMs: number };

/** Keeps all pods of a channel together within what its providers' contract allows. */
export interface Permits {
  /**
   * Waits a moment for leave to make one call, never for ever; never rejects. Asked before the attempt is claimed: a permit that its taker
   * does not use, or dies with, is one call less and nothing else.
   */
  take(notificationClass: NotificationClass): Promise<Permit>;
}

export const UNLIMITED: Permits = { take: async () => ({ kind: "granted" }) };

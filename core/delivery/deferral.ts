import { LAST_TRY_MS } from "./decide.ts";

/** What waits for the same moment is spread over so long after it, in ms, at most: everyone's quiet hours end on the hour. */
export const DEFERRAL_SPREAD_MS = 300_000;

/** What a deferral needs to know of a delivery; a task holds it. */
interface Deferred {
  deliveryId: string;
  /** ms since the epoch. */
  expiresAt: number;
}

/**
 * When a delivery is due that may not be sent before `openAt`: spread over the time after it, and early enough to be sent before it expires. Undefined: it
 * expires first. The same for each call, so that a repetition changes nothing, and for all deliveries of a notification, so that they stay together. Pure.
 * @param openAt ms since the epoch
 * @param spreadMs at most DEFERRAL_SPREAD_MS
 */
export function deferredTo(openAt: number, { deliveryId, expiresAt }: Deferred, spreadMs = DEFERRAL_SPREAD_MS): number | undefined {
  if (!(openAt < expiresAt)) return undefined;
  const roomMs = Math.max(0, Math.min(spreadMs, expiresAt - LAST_TRY_MS - openAt));
  return openAt + Math.floor(fractionOf(deliveryId) * roomMs);
}

/** In [0, 1), from the delivery's id, which begins with the hash that identifies its notification. */
function fractionOf(deliveryId: string): number {
  const digits = Number.parseInt(deliveryId.slice(0, 8), 16);
  return Number.isNaN(digits) ? 0 : digits / 2 ** 32;
}

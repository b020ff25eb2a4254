import { PUSH_STORED_MS_MAX } from "../../core/content/limits.ts";
import { storedMs } from "../../core/delivery/lifetime.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

type Times = Pick<OutboundDelivery, "expiresAt" | "ttlSeconds">;

/** How long a push service may store a push: whole seconds, rounded down, so that nothing is delivered after its expiry; 0: it delivers it now or never. */
export const storedSeconds = (times: Times, now: number): number => Math.floor(Math.min(storedMs(times, now), PUSH_STORED_MS_MAX) / 1000);

/** The same as apns-expiration says it: seconds since the epoch, or 0. */
export function apnsExpiration({ expiresAt, ttlSeconds }: Times, now: number): string {
  if (ttlSeconds === 0) return "0";
  const until = ttlSeconds === undefined ? expiresAt : Math.min(expiresAt, now + ttlSeconds * 1000);
  return String(Math.floor(until / 1000));
}

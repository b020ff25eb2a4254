import { createHash } from "node:crypto";
import { type Endpoint, endpointKey } from "../core/delivery/endpoint.ts";
import { LANE_COUNT } from "../core/delivery/notification.ts";

const sha256 = (...parts: readonly string[]) => {
  const hash = createHash("sha256");
  // Lengths first, so that ("ab","c") and ("a","bc") differ.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash;
};

export const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");

/** 32 hex digits; the same for the same app and key, which is what makes a repeated Send one notification. */
export const notificationId = (app: string, idempotencyKey: string) =>
  sha256("notification", app, idempotencyKey).digest("hex").slice(0, 32);

/** 32 hex digits that stand for an endpoint wherever the endpoint itself should not appear. */
export const endpointId = (endpoint: Endpoint) => sha256("endpoint", endpointKey(endpoint)).digest("hex").slice(0, 32);

/** A notification's lane: ids are hashes already. */
export const laneOf = (id: string) => Number.parseInt(id.slice(0, 4), 16) % LANE_COUNT;

/** A UUID made from any text: for providers that want one (APNs). */
export function uuidOf(text: string): string {
  const h = sha256("uuid", text).digest("hex");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

/** 64 bits as a signed decimal, as Redis keeps integers in an intset. */
export const hash64 = (...parts: readonly string[]) =>
  sha256(...parts)
    .digest()
    .readBigInt64BE(0)
    .toString();

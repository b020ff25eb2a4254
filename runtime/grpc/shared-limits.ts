import { type CallError, callError } from "../call-error.ts";
import type { Identity } from "../handler.ts";
import { type CallLimit, fixedCallLimit } from "./call-limit.ts";
import { type CallPlaces, createCallPlaces } from "./call-places.ts";
import { OPEN_MESSAGE_BYTES_MAX, OVERLOAD_WAIT_MS, requestBytesMax } from "./limits.ts";
import { type GrpcService, methodLimits } from "./methods.ts";
import { createRequestShares, type RequestShares } from "./request-shares.ts";

export const tooMuch = callError("RESOURCE_EXHAUSTED", "OVERLOADED", "requests of too many bytes are under way; nothing was stored", {
  retryAfterMs: OVERLOAD_WAIT_MS,
});
export const tooManyCalls = callError("RESOURCE_EXHAUSTED", "OVERLOADED", "too many calls are under way; nothing was stored", {
  retryAfterMs: OVERLOAD_WAIT_MS,
});

/** Calls under way and the bytes of their requests: one bound for all listeners that serve the same handlers. */
export interface SharedLimits {
  readonly places: CallPlaces<object>;
  readonly shares: RequestShares;
}

export interface OwnLimits {
  /** Calls of known callers under way; absent: no limit. */
  calls?: CallLimit;
  /** Absent: as much as fits the services' largest message. */
  requestBytesMax?: number;
}

export function createSharedLimits(services: readonly GrpcService[], limits: OwnLimits = {}): SharedLimits {
  const largest = Math.max(OPEN_MESSAGE_BYTES_MAX, ...services.flatMap(methodLimits).map(([, { messageBytesMax }]) => messageBytesMax));
  return {
    places: createCallPlaces(limits.calls ?? fixedCallLimit(Number.POSITIVE_INFINITY)),
    shares: createRequestShares(limits.requestBytesMax ?? requestBytesMax(largest)),
  };
}

/** Where everybody is admitted, all count as one caller. */
export function callerKeyOf(caller: Identity): string {
  if (caller === undefined) return "";
  return "id" in caller ? caller.id : caller.app;
}

/** Why authentication did not admit a call, as it is counted. */
export const rejectionOf = ({ code }: CallError): "unauthenticated" | "identity-unavailable" =>
  code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED" ? "unauthenticated" : "identity-unavailable";

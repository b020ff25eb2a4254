import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { type AddressWall, createAddressWall } from "../../runtime/outbound.ts";

/** Connections one process keeps to one provider. At 200 ms an answer that is 640 calls a second, above ten times the planned mean. */
export const PROVIDER_SOCKETS_MAX = 128;
/** How long an idle connection is kept: shorter than load balancers do (from 5 s), so that a call seldom meets one they are closing. */
export const PROVIDER_SOCKET_IDLE_MS = 4_000;
/** The longest answer worth reading: providers send a few hundred bytes. */
export const PROVIDER_ANSWER_BYTES_MAX = 262_144;

/** @param ca further authorities as PEM, or "" for the system's alone; made once, since reading 150 certificates for every connection is slow */
export function trusting(ca: string): SecureContext | undefined {
  return ca === "" ? undefined : createSecureContext({ ca: [...getCACertificates("default"), ca] });
}

/**
 * Keeps connections to a provider's own origin at public addresses, also where DNS lies. An operator who sets another origin means it, wherever it is:
 * then there is no wall.
 * @param origin the value of `variable`
 */
export function wallFor(origin: string, variable: { default?: string | undefined }, allowed: readonly string[]): AddressWall | undefined {
  return origin === variable.default ? createAddressWall(allowed) : undefined;
}

export interface ProviderConnections {
  /** Scheme, host and port. */
  origin: string;
  /** PEM of further authorities; empty: the system's alone. */
  ca: string;
  /** Where connections may go; undefined: wherever the operator said. */
  wall: AddressWall | undefined;
  /** Connections, which over HTTP/1.1 is also calls at once; further ones wait. Default PROVIDER_SOCKETS_MAX. */
  connectionsMax?: number | undefined;
}

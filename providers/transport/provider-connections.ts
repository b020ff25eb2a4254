import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { type AddressFilter, createAddressFilter } from "../../runtime/outbound.ts";

/** Connections one process keeps to one provider. At 200 ms an answer that is 640 calls a second, above ten times the planned mean. */
export const PROVIDER_SOCKETS_MAX = 128;
/** How long an idle connection is kept: shorter than load balancers do (from 5 s), so that a call seldom meets one they are closing. */
export const PROVIDER_SOCKET_IDLE_MS = 4_000;
/** The longest answer worth reading: providers send a few hundred bytes. */
export const PROVIDER_ANSWER_BYTES_MAX = 262_144;

/** What a client proves itself by in the handshake: a certificate with its key, PKCS 12. */
export interface ClientCertificate {
  pfx: Buffer;
  /** Empty: none. */
  passphrase: string;
}

/**
 * @param ca further authorities as PEM, or "" for the system's alone; made once, since reading 150 certificates for every connection is slow
 * @param certificate throws where it cannot be used
 */
export function trusting(ca: string, certificate?: ClientCertificate): SecureContext | undefined {
  if (ca === "" && certificate === undefined) return undefined;
  return createSecureContext({ ...(ca === "" ? {} : { ca: [...getCACertificates("default"), ca] }), ...certificate });
}

/**
 * For a provider's default origin: connections go to public addresses only, also where a DNS answer is forged. Undefined for any other origin, because
 * the operator has set it.
 * @param origin the value of `variable`
 */
export function addressFilterFor(
  origin: string,
  variable: { default?: string | undefined },
  allowed: readonly string[],
): AddressFilter | undefined {
  return origin === variable.default ? createAddressFilter(allowed) : undefined;
}

export interface ProviderConnections {
  /** Scheme, host and port. */
  origin: string;
  /** PEM of further authorities; empty: the system's alone. */
  ca: string;
  /** Undefined: every address may be called. */
  addressFilter: AddressFilter | undefined;
  /** Connections, which over HTTP/1.1 is also calls at once; further ones wait. Default PROVIDER_SOCKETS_MAX. */
  connectionsMax?: number | undefined;
  /** Bytes of an answer; default PROVIDER_ANSWER_BYTES_MAX. */
  answerBytesMax?: number | undefined;
}

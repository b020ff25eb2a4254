import type { KeyObject } from "node:crypto";
import { isSignedBy, parseJwt } from "../kit/jwt.ts";

/** The key that signs provider tokens, and what they must name. */
export interface ApnsTokenKey {
  publicKey: KeyObject;
  keyId: string;
  teamId: string;
}

/** Apple: "Establishing a token-based connection to APNs". */
const PROVIDER_TOKEN_VALID_MS = 3_600_000;
/** Accepted clock skew. */
const CLOCK_SKEW_MS = 60_000;
/**
 * Distinct tokens per key within REFRESH_MS. Apple allows one refresh in 20 minutes per sender and documents no limit for several senders;
 * this lets a fleet restart a few times and still rejects a token per request.
 */
export const TOKENS_MAX = 30;
export const REFRESH_MS = 1_200_000;

export type TokenRejection = { status: 403 | 429; reason: string };

/** Checks authorization headers; undefined: valid. Remembers the tokens it has seen. */
export function createApnsToken(key: ApnsTokenKey, now: () => number): (header: string | undefined) => TokenRejection | undefined {
  /** Verified tokens of the last REFRESH_MS or still in use: text → issued and first seen, ms. */
  const seen = new Map<string, { issuedAt: number; firstSeenAt: number }>();

  const isExpired = (issuedAt: number) => issuedAt < now() - PROVIDER_TOKEN_VALID_MS;

  return (header) => {
    if (header === undefined || header === "") return { status: 403, reason: "MissingProviderToken" };
    const text = /^bearer (\S+)$/i.exec(header)?.[1] ?? "";
    const known = seen.get(text);
    if (known !== undefined) return isExpired(known.issuedAt) ? { status: 403, reason: "ExpiredProviderToken" } : undefined;

    const jwt = parseJwt(text);
    const issuedAt = Number(jwt?.claims.iat) * 1_000;
    const isFromKey = jwt?.header.kid === key.keyId && jwt.claims.iss === key.teamId && Number.isInteger(jwt.claims.iat);
    if (jwt === undefined || !isFromKey || issuedAt > now() + CLOCK_SKEW_MS || !isSignedBy(jwt, "ES256", key.publicKey))
      return { status: 403, reason: "InvalidProviderToken" };
    if (isExpired(issuedAt)) return { status: 403, reason: "ExpiredProviderToken" };

    for (const [old, { issuedAt, firstSeenAt }] of seen) if (isExpired(issuedAt) && firstSeenAt < now() - REFRESH_MS) seen.delete(old);
    const recent = seen.values().filter(({ firstSeenAt }) => firstSeenAt > now() - REFRESH_MS);
    if ([...recent].length >= TOKENS_MAX) return { status: 429, reason: "TooManyProviderTokenUpdates" };
    seen.set(text, { issuedAt, firstSeenAt: now() });
    return undefined;
  };
}

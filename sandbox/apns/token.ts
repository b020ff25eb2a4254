import type { KeyObject } from "node:crypto";
import { isSignedBy, parseJwt } from "../kit/jwt.ts";
import { textOf } from "../kit/read.ts";

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
type TokenCheck = (header: string) => TokenRejection | undefined;

/** The token's text and what it claims, unverified. */
function readToken(header: string) {
  const text = /^bearer (\S+)$/i.exec(header)?.[1] ?? "";
  return { text, jwt: parseJwt(text) };
}

/** The team that a provider token says it is of; "" where it says nothing. */
export const teamOf = (header = ""): string => textOf(readToken(header).jwt?.claims.iss);

/** Checks authorization headers of several teams: the account of a valid one, or why it is not. */
export function createApnsTokens<Account extends ApnsTokenKey>(accounts: () => readonly Account[], now: () => number) {
  const checks = new Map<Account, TokenCheck>();
  return (header: string | undefined): { account: Account } | { rejection: TokenRejection } => {
    if (header === undefined || header === "") return { rejection: { status: 403, reason: "MissingProviderToken" } };
    const { jwt } = readToken(header);
    const account = accounts().find(({ keyId, teamId }) => jwt?.header.kid === keyId && jwt.claims.iss === teamId);
    if (account === undefined) return { rejection: { status: 403, reason: "InvalidProviderToken" } };
    const check = checks.get(account) ?? checks.set(account, createTokenCheck(account, now)).get(account)!;
    const rejection = check(header);
    return rejection ? { rejection } : { account };
  };
}

/** For the tokens of one key; undefined: valid. Remembers those it has seen. */
function createTokenCheck(key: ApnsTokenKey, now: () => number): TokenCheck {
  /** Verified tokens of the last REFRESH_MS or still in use: text → issued and first seen, ms. */
  const seen = new Map<string, { issuedAt: number; firstSeenAt: number }>();

  const isExpired = (issuedAt: number) => issuedAt < now() - PROVIDER_TOKEN_VALID_MS;

  return (header) => {
    const { text, jwt } = readToken(header);
    const known = seen.get(text);
    if (known !== undefined) return isExpired(known.issuedAt) ? { status: 403, reason: "ExpiredProviderToken" } : undefined;

    const issuedAt = Number(jwt?.claims.iat) * 1_000;
    if (
      jwt === undefined ||
      !Number.isInteger(jwt.claims.iat) ||
      issuedAt > now() + CLOCK_SKEW_MS ||
      !isSignedBy(jwt, "ES256", key.publicKey)
    )
      return { status: 403, reason: "InvalidProviderToken" };
    if (isExpired(issuedAt)) return { status: 403, reason: "ExpiredProviderToken" };

    for (const [old, { issuedAt, firstSeenAt }] of seen) if (isExpired(issuedAt) && firstSeenAt < now() - REFRESH_MS) seen.delete(old);
    const recent = seen.values().filter(({ firstSeenAt }) => firstSeenAt > now() - REFRESH_MS);
    if ([...recent].length >= TOKENS_MAX) return { status: 429, reason: "TooManyProviderTokenUpdates" };
    seen.set(text, { issuedAt, firstSeenAt: now() });
    return undefined;
  };
}

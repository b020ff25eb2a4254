import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import type { Clock } from "../../core/ports/clock.ts";

/** Apple: Establishing a token-based connection: not more often than every 20 minutes, not less often than every 60. In ms. */
export const TOKEN_YOUNGEST_MS = 20 * 60_000;
/** With room for the push that is on its way while the hour ends. */
export const TOKEN_OLDEST_MS = 50 * 60_000;

export interface SignedToken {
  readonly jwt: Promise<string>;
}

/** One token for all connections of one key. */
export interface SigningToken {
  current(): SignedToken;
  /** Whether another call may use another one than this: because this is not the current one any more, or is old enough to be replaced. */
  isReplaceable(used: SignedToken): boolean;
  /** If this is the current one, the next call makes another, as soon as Apple allows it. */
  rejected(used: SignedToken): void;
}

export interface SigningKey {
  /** PEM, PKCS 8. */
  key: string;
  keyId: string;
  teamId: string;
}

/** Throws where the key is no P-256 private key in PEM. */
export function createSigningToken({ key, keyId, teamId }: SigningKey, clock: Pick<Clock, "now" | "monotonic">): SigningToken {
  const privateKey = readKey(key);
  let made: { jwt: Promise<string>; at: number; rejected: boolean } | undefined;
  const age = () => (made === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - made.at);
  const renewable = () => age() >= TOKEN_YOUNGEST_MS;
  return {
    current() {
      if (made === undefined || age() >= TOKEN_OLDEST_MS || (made.rejected && renewable())) {
        const claims = { iss: teamId, iat: Math.floor(clock.now() / 1000) };
        const jwt = new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: keyId, typ: "JWT" }).sign(privateKey);
        made = { jwt, at: clock.monotonic(), rejected: false };
      }
      return made;
    },
    isReplaceable: (used) => made !== used || renewable(),
    rejected(used) {
      if (made === used) made.rejected = true;
    },
  };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  } catch {
    // OpenSSL's message may quote the key.
  }
  throw new Error("APNS_KEY_FILE holds no EC private key on the curve P-256 in PEM");
}

import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import type { Clock } from "../../core/ports/clock.ts";

/** Apple: Establishing a token-based connection: not more often than every 20 minutes, not less often than every 60. In ms. */
export const TOKEN_YOUNGEST_MS = 20 * 60_000;
/** With room for the push that is on its way while the hour ends. */
export const TOKEN_OLDEST_MS = 50 * 60_000;

/** One token for all connections of one key. */
export interface SigningToken {
  current(): Promise<string>;
  /** Whether another token may be made already. */
  renewable(): boolean;
  /** Makes the next one at the next call, if Apple allows it by then. */
  rejected(): void;
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
  let made: { token: Promise<string>; at: number; rejected: boolean } | undefined;
  const age = () => (made === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - made.at);
  const renewable = () => age() >= TOKEN_YOUNGEST_MS;
  return {
    renewable,
    current() {
      if (made === undefined || age() >= TOKEN_OLDEST_MS || (made.rejected && renewable())) {
        const claims = { iss: teamId, iat: Math.floor(clock.now() / 1000) };
        const token = new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: keyId, typ: "JWT" }).sign(privateKey);
        made = { token, at: clock.monotonic(), rejected: false };
      }
      return made.token;
    },
    rejected() {
      if (made !== undefined) made.rejected = true;
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

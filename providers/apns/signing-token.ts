import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Clock } from "../../core/ports/clock.ts";

/** Apple: Establishing a token-based connection: not more often than every 20 minutes, not less often than every 60. In ms. */
export const TOKEN_YOUNGEST_MS = 20 * 60_000;
/** With room for the push that is on its way while the hour ends. */
export const TOKEN_OLDEST_MS = 50 * 60_000;

/** One token for all connections of one key. */
export interface SigningToken {
  current(): string;
  /** Whether another token may be made already. */
  renewable(): boolean;
  /** Makes the next one at the next call, if Apple allows it by then. */
  refused(): void;
}

export interface SigningKey {
  /** PEM, PKCS 8. */
  key: string;
  keyId: string;
  teamId: string;
}

/** Throws where the key is no EC private key in PEM. */
export function createSigningToken({ key, keyId, teamId }: SigningKey, clock: Pick<Clock, "now" | "monotonic">): SigningToken {
  const privateKey = readKey(key);
  let made: { token: string; at: number; refused: boolean } | undefined;
  const age = () => (made === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - made.at);
  const renewable = () => age() >= TOKEN_YOUNGEST_MS;
  return {
    renewable,
    current() {
      if (made === undefined || age() >= TOKEN_OLDEST_MS || (made.refused && renewable())) {
        const issuedAt = Math.floor(clock.now() / 1000);
        made = { token: jwt(privateKey, keyId, { iss: teamId, iat: issuedAt }), at: clock.monotonic(), refused: false };
      }
      return made.token;
    },
    refused() {
      if (made !== undefined) made.refused = true;
    },
  };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ec") return key;
  } catch {
    // OpenSSL's words may quote the key.
  }
  throw new Error("APNS_KEY_FILE holds no EC private key in PEM");
}

/** ES256, RFC 7515; JWS wants the signature as two numbers, not as DER. */
function jwt(key: KeyObject, keyId: string, claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "ES256", kid: keyId, typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

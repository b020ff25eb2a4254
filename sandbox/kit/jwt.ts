import { type KeyObject, verify } from "node:crypto";
import { type Fields, isFields, parseJson } from "./read.ts";

export interface Jwt {
  header: Fields;
  claims: Fields;
  signed: Buffer;
  signature: Buffer;
}

/** Parses a compact JWS without verifying it. */
export function parseJwt(text: string): Jwt | undefined {
  const [head, body, tail, ...rest] = text.split(".");
  if (!head || !body || !tail || rest.length > 0) return undefined;
  const header = parseJson(Buffer.from(head, "base64url"));
  const claims = parseJson(Buffer.from(body, "base64url"));
  if (!isFields(header) || !isFields(claims)) return undefined;
  return { header, claims, signed: Buffer.from(`${head}.${body}`), signature: Buffer.from(tail, "base64url") };
}

/** Whether the header names this algorithm and the key made the signature (RFC 7518, 3.3 and 3.4). */
export function isSignedBy(jwt: Jwt, algorithm: "ES256" | "RS256", publicKey: KeyObject): boolean {
  if (jwt.header.alg !== algorithm) return false;
  const key = algorithm === "ES256" ? ({ key: publicKey, dsaEncoding: "ieee-p1363" } as const) : publicKey;
  return verify("sha256", jwt.signed, key, jwt.signature);
}

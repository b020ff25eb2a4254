import { createHash, type Hash } from "node:crypto";

/** SHA-256 of several texts. Each is preceded by its length, so that ("ab", "c") and ("a", "bc") differ. */
export function sha256(...parts: readonly string[]): Hash {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash;
}

export const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");

/** A UUID derived from any text, for providers that require one (APNs). */
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

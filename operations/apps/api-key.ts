import { randomBytes } from "node:crypto";
import { sha256Hex } from "../../runtime/hash.ts";

/** 256 random bits, so that an unsalted hash of it is safe to keep. Shown once. */
export function createApiKey(): { key: string; hash: string } {
  const key = `ck_${randomBytes(32).toString("base64url")}`;
  return { key, hash: sha256Hex(key) };
}

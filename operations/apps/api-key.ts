import { randomBytes, randomInt } from "node:crypto";
import { formatApiKey } from "../../core/apps/api-key.ts";
import type { ApiKeyRecord } from "../../core/apps/app.ts";
import { sha256Hex } from "../../runtime/hash.ts";

const ID_LENGTH = 8;

/** The secret has 256 random bits, so that an unsalted hash of the key is safe to keep. The key itself is shown once. */
export function createApiKey({ now = Date.now(), expiresAt }: { now?: number; expiresAt?: number | undefined } = {}): {
  key: string;
  record: ApiKeyRecord;
} {
  const id = Array.from({ length: ID_LENGTH }, () => randomInt(36).toString(36)).join("");
  const key = formatApiKey(id, BigInt(`0x${randomBytes(32).toString("hex")}`));
  return { key, record: { id, hash: sha256Hex(key), createdAt: now, ...(expiresAt === undefined ? {} : { expiresAt }) } };
}

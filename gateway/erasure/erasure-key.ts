import { createHmac } from "node:crypto";
import { restorationSubject, tombstoneSubject } from "../../core/preferences/tombstone.ts";
import { type Variable, watchedSecretFile } from "../../runtime/config.ts";

/** Bytes that a key must have: as many as an HMAC-SHA256 is strong. */
const KEY_BYTES_MIN = 32;

export const ERASURE_KEY_FILE: Variable<string> = {
  ...watchedSecretFile({
    default: "",
    reason:
      "the key that hashes who was erased and signs the reports, at least 32 characters (openssl rand -hex 32), the same for every gateway; keep it for ever: with another one " +
      "nobody who was erased is recognised. Empty: EraseUser is not offered",
  }),
  type: `path of a file of at least ${KEY_BYTES_MIN} bytes`,
  parse(path) {
    const key = watchedSecretFile({ reason: "" }).parse(path);
    if (key !== "" && Buffer.byteLength(key) < KEY_BYTES_MIN) throw new Error(`the file must hold at least ${KEY_BYTES_MIN} bytes`);
    return key;
  },
};

/** What only who has the installation's key can compute. */
export interface ErasureKey {
  /** Under which the refusals of an erased subject are kept. */
  tombstoneOf(app: string, subject: string): string;
  /** Under which it is kept that they were restored since. */
  restorationOf(app: string, subject: string): string;
  /** In hex, for reports. */
  hashOf(app: string, subject: string): string;
  /** In hex. */
  sign(report: string): string;
}

export function createErasureKey(secret: string): ErasureKey {
  const hmac = (text: string) => createHmac("sha256", secret).update(text).digest("hex");
  // A report is JSON and begins with a brace, so no hash of a subject is a signature. An app's name has no space.
  const hashOf = (app: string, subject: string) => hmac(`erased ${app} ${subject}`);
  return {
    tombstoneOf: (app, subject) => tombstoneSubject(hashOf(app, subject)),
    restorationOf: (app, subject) => restorationSubject(hashOf(app, subject)),
    hashOf,
    sign: hmac,
  };
}

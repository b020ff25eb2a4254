import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

// v1.<key id>.<salt and ciphertext>.<tag>, each part in base64url without padding. Text that nobody without the key can read or change: AES-256-GCM
// under a key of its own for each token, so that no number of tokens wears the configured key out (random nonces of GCM would allow 2^32 of one key).

const VERSION = "v1";
const SALT_BYTES = 16;
const TAG_BYTES = 16;
/** Tells keys apart; it is public and proves nothing. */
const KEY_ID_BYTES = 6;
/** The beginning of the salt: with a key for each token, a nonce of any value would do. */
const NONCE_BYTES = 12;
/** Longer tokens from outside are not decoded; none that is sealed here is as long. */
const TOKEN_CHARS_MAX = 2_048;

/** What tokens are sealed and opened with. */
export interface TokenKeys {
  /** So that a token for one use is none for another. */
  purpose: string;
  /** The first seals, each opens. */
  keys: readonly string[];
}

/** @param text at most some 1,000 bytes: a token stands in a URL. Throws where there is no key. */
export const sealToken = (text: string, { purpose, keys }: TokenKeys): string => seal(text, purpose, keys, () => randomBytes(SALT_BYTES));

/** The same token for the same text, for URLs that caches keep: the salt is derived from the text. It shows that two texts are the same. */
export const sealRepeatably = (text: string, { purpose, keys }: TokenKeys): string =>
  seal(text, purpose, keys, (key) =>
    createHmac("sha256", key).update(`carillon ${purpose} salt 1\n`).update(text).digest().subarray(0, SALT_BYTES),
  );

function seal(text: string, purpose: string, keys: readonly string[], saltBy: (key: string) => Buffer): string {
  const [key] = keys;
  if (key === undefined) throw new Error("there is no key to seal with");
  const head = `${VERSION}.${keyIdOf(key, purpose)}`;
  const salt = saltBy(key);
  const cipher = createCipheriv("aes-256-gcm", derived(key, purpose, salt), nonceOf(salt), { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(head));
  const sealed = Buffer.concat([salt, cipher.update(text, "utf8"), cipher.final()]);
  return `${head}.${sealed.toString("base64url")}.${cipher.getAuthTag().toString("base64url")}`;
}

/** The text; undefined where the token is forged, cut, of another purpose, or sealed with a key that is gone. */
export function unsealToken(token: string, { purpose, keys }: TokenKeys): string | undefined {
  if (token.length > TOKEN_CHARS_MAX) return undefined;
  const [version, keyId, body = "", end = "", ...rest] = token.split(".");
  const key = keys.find((one) => keyIdOf(one, purpose) === keyId);
  const [sealed, tag] = [bytesOf(body), bytesOf(end)];
  if (version !== VERSION || key === undefined || rest.length > 0) return undefined;
  if (sealed === undefined || sealed.length < SALT_BYTES || tag?.length !== TAG_BYTES) return undefined;
  const salt = sealed.subarray(0, SALT_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", derived(key, purpose, salt), nonceOf(salt), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(`${version}.${keyId}`)).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(SALT_BYTES)), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

/** Undefined where the text is not exactly what encoding these bytes makes, so that a token has one spelling. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

const keyIdOf = (key: string, purpose: string) =>
  createHmac("sha256", key).update(`carillon ${purpose} key id 1`).digest().subarray(0, KEY_ID_BYTES).toString("base64url");

const derived = (key: string, purpose: string, salt: Buffer) =>
  createHmac("sha256", key).update(`carillon ${purpose} token 1\n`).update(salt).digest();

const nonceOf = (salt: Buffer) => salt.subarray(0, NONCE_BYTES);

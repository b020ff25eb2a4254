/** The parts of an API key. */
export interface ParsedApiKey {
  /** Public: for logs, lists and revoking. */
  id: string;
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Digits of the alphabet: 43 hold 256 random bits, 6 a checksum of 32. */
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;
const API_KEY = new RegExp(`^(ck_([0-9a-z]{8})_[0-9A-Za-z]{${SECRET_DIGITS}})([0-9A-Za-z]{${CHECKSUM_DIGITS}})$`);

/**
 * `ck_<id>_<secret><checksum>`: the prefix and the checksum let a secret scanner tell a key from other text, and a key that was not copied whole
 * is noticed before the store is asked.
 */
export function formatApiKey(id: string, secret: bigint): string {
  const key = `${keyPrefix(id)}${base62(secret, SECRET_DIGITS)}`;
  return key + checksum(key);
}

/** What a key with this id begins with. */
export const keyPrefix = (id: string): string => `ck_${id}_`;

/** A key of a version without ids: 256 random bits in base64url. */
const KEY_WITHOUT_ID = /^ck_[\w-]{43}$/;

/** False for what no version ever issued, so that no store needs to be asked. */
export const isApiKey = (text: string): boolean => parseApiKey(text) !== undefined || KEY_WITHOUT_ID.test(text);

/** Undefined for anything else, keys without ids included. */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  const [, key = "", id = "", given] = API_KEY.exec(text) ?? [];
  return key !== "" && checksum(key) === given ? { id } : undefined;
}

const checksum = (text: string) => base62(BigInt(crc32(text)), CHECKSUM_DIGITS);

function base62(value: bigint, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest /= 62n) text = ALPHABET[Number(rest % 62n)]! + text;
  return text;
}

/** CRC-32 as ISO 3309 has it (zlib, GitHub's tokens), of ASCII text. */
function crc32(text: string): number {
  let crc = ~0;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

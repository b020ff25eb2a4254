import { createHmac, timingSafeEqual } from "node:crypto";

// The envelope sender of an attempt: b+<token>@<domain>. The token is base32 without padding (RFC 4648, section 6) in lower case, because relays may
// change the case of a local part: notification id (16 bytes), delivery's index and attempt's number (LEB128), day (2 bytes), signature (10 bytes).

/** What the bounces of an account are signed with. */
export interface BounceKeys {
  /** Lower case. */
  domain: string;
  /** The first signs, each verifies. */
  keys: readonly string[];
}

const PREFIX = "b+";
const ID_BYTES = 16;
const DAY_BYTES = 2;
/** 80 bits: each guess is an SMTP command, and the address has to stay below RFC 5321's 64 characters before the @. */
const SIGNATURE_BYTES = 10;
/** The largest index takes 3 bytes, the largest number 5. */
const TOKEN_BYTES = { min: ID_BYTES + 2 + DAY_BYTES + SIGNATURE_BYTES, max: ID_BYTES + 8 + DAY_BYTES + SIGNATURE_BYTES } as const;
const DAY_MS = 86_400_000;
/** Days for which a return path is valid. Relays give up after 5 days or less (RFC 5321, section 4.5.4.1), and some report late; attempts are kept for 35. */
export const RETURN_PATH_DAYS_MAX = 30;
/** Core's form of an attempt's id. */
const ATTEMPT_ID = /^([0-9a-f]{32})-(\d{1,5})\/(\d{1,9})$/;
const INDEX_MAX = 99_999;
const NUMBER_MAX = 999_999_999;

/** @param now ms since the epoch; undefined where the id has another form than ours */
export function returnPathOf(attemptId: string, { domain, keys }: BounceKeys, now: number): string | undefined {
  const [, id, index, number] = ATTEMPT_ID.exec(attemptId) ?? [];
  const [key] = keys;
  if (id === undefined || key === undefined) return undefined;
  const day = Buffer.alloc(DAY_BYTES);
  day.writeUInt16BE(dayOf(now));
  const payload = Buffer.concat([Buffer.from(id, "hex"), leb128(Number(index)), leb128(Number(number)), day]);
  return `${PREFIX}${toBase32(Buffer.concat([payload, signatureOf(payload, domain, key)]))}@${domain}`;
}

/** The attempt that a return path of this account names; undefined where it is forged, older than RETURN_PATH_DAYS_MAX, or another address. */
export function attemptOfReturnPath(address: string, { domain, keys }: BounceKeys, now: number): string | undefined {
  const lower = address.toLowerCase();
  if (domain === "" || !lower.startsWith(PREFIX) || !lower.endsWith(`@${domain}`)) return undefined;
  const token = fromBase32(lower.slice(PREFIX.length, -domain.length - 1));
  if (token === undefined || token.length < TOKEN_BYTES.min || token.length > TOKEN_BYTES.max) return undefined;
  const [payload, signature] = [token.subarray(0, -SIGNATURE_BYTES), token.subarray(-SIGNATURE_BYTES)];
  if (!keys.some((key) => timingSafeEqual(signature, signatureOf(payload, domain, key)))) return undefined;
  const index = readLeb128(payload, ID_BYTES);
  const number = index && readLeb128(payload, index.next);
  if (index === undefined || number?.next !== payload.length - DAY_BYTES) return undefined;
  if (index.value > INDEX_MAX || number.value > NUMBER_MAX) return undefined;
  // A pod's clock may be ahead of the one that signed, by a day around midnight.
  const age = dayOf(now) - payload.readUInt16BE(number.next);
  if (age < -1 || age > RETURN_PATH_DAYS_MAX) return undefined;
  return `${payload.toString("hex", 0, ID_BYTES)}-${index.value}/${number.value}`;
}

const dayOf = (now: number) => Math.floor(now / DAY_MS);

const signatureOf = (payload: Buffer, domain: string, key: string) =>
  createHmac("sha256", key).update(`carillon return path 1\n${domain}\n`).update(payload).digest().subarray(0, SIGNATURE_BYTES);

function leb128(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Buffer.from(bytes);
  }
}

function readLeb128(bytes: Buffer, from: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let at = from; at < bytes.length && at < from + 5; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * 128 ** (at - from);
    if (byte < 128) return { value, next: at + 1 };
  }
  return undefined;
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

function toBase32(bytes: Buffer): string {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + BASE32[(held << (5 - bits)) & 31];
}

/** Undefined where the text is not exactly what toBase32 makes. */
function fromBase32(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const character of text) {
    const value = BASE32.indexOf(character);
    if (value < 0) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 && bits < 5 ? Buffer.from(bytes) : undefined;
}

import { createDecipheriv, createECDH, createHmac, type ECDH, hkdfSync } from "node:crypto";

/** The keys of a browser that subscribed (RFC 8291). */
export interface Subscriber {
  ecdh: ECDH;
  /** 65 bytes. */
  publicKey: Buffer;
  /** 16 bytes. */
  auth: Buffer;
}

/** Derives the subscriber of this name from the secret, so that nothing has to be stored. */
function deriveSubscriber(secret: string, name: string): Subscriber {
  const derive = (purpose: string) => createHmac("sha256", secret).update(`${purpose} ${name}`).digest();
  const ecdh = createECDH("prime256v1");
  // One derived scalar in 2^32 is not valid for P-256; then the next one is tried.
  for (let n = 0; ; n += 1) {
    try {
      ecdh.setPrivateKey(derive(`key ${n}`));
      break;
    } catch (error) {
      if (n > 8) throw error;
    }
  }
  return { ecdh, publicKey: ecdh.getPublicKey(), auth: derive("auth").subarray(0, 16) };
}

/** What the browser gives to the application; keys in base64url. */
export interface PushSubscription {
  pushUrl: string;
  p256dh: string;
  auth: string;
}

/** Derived subscribers kept in memory, at well under 1 kB each. */
const SUBSCRIBERS_MAX = 10_000;

export function rememberSubscribers(secret: string): (name: string) => Subscriber {
  const known = new Map<string, Subscriber>();
  return (name) => {
    const found = known.get(name) ?? deriveSubscriber(secret, name);
    if (known.size >= SUBSCRIBERS_MAX) known.clear();
    known.set(name, found);
    return found;
  };
}

const SALT_BYTES = 16;
const HEADER_BYTES = SALT_BYTES + 4 + 1;
const TAG_BYTES = 16;
const POINT_BYTES = 65;

/** The text of an aes128gcm body (RFC 8188, RFC 8291), or why it cannot be decrypted. */
export function decryptBody(subscriber: Subscriber, body: Buffer): { text: string } | { fault: string } {
  if (body.length < HEADER_BYTES + POINT_BYTES + TAG_BYTES + 1) return { fault: "body is too short" };
  const salt = body.subarray(0, SALT_BYTES);
  const recordSize = body.readUInt32BE(SALT_BYTES);
  if (body[SALT_BYTES + 4] !== POINT_BYTES) return { fault: "key id is not a P-256 point" };
  const senderKey = body.subarray(HEADER_BYTES, HEADER_BYTES + POINT_BYTES);
  const record = body.subarray(HEADER_BYTES + POINT_BYTES);
  if (record.length > recordSize) return { fault: "more than one record" };
  try {
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), subscriber.publicKey, senderKey]);
    const ikm = hkdf(subscriber.ecdh.computeSecret(senderKey), subscriber.auth, info, 32);
    const cek = hkdf(ikm, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
    const nonce = hkdf(ikm, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
    const decipher = createDecipheriv("aes-128-gcm", cek, nonce).setAuthTag(record.subarray(-TAG_BYTES));
    const padded = Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    return padded[end] === 2 ? { text: padded.subarray(0, end).toString() } : { fault: "the last record has no end mark" };
  } catch {
    return { fault: "not encrypted for this subscription" };
  }
}

const hkdf = (ikm: Buffer, salt: Buffer, info: Buffer, bytes: number) => Buffer.from(hkdfSync("sha256", ikm, salt, info, bytes));

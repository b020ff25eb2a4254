import { LRUCache } from "lru-cache";
import webpush from "web-push";

/** How long a signature is used, in ms. It is good for 12 h, of the 24 h that RFC 8292 section 2 allows so that signatures can be used again. */
const SIGNED_MS = 3_600_000;
/** Push services remembered; Windows alone has dozens. */
const SERVICES_MAX = 1_000;

export interface VapidKeys {
  subject: string;
  publicKey: string;
  privateKey: string;
}

/** Authorization headers, one for each push service, by its origin. */
export interface Vapid {
  current(origin: string): string;
  /** Signs again at the next push: our clock may have been set since. */
  rejected(origin: string): void;
}

/** Throws where the keys cannot be used. */
export function createVapid({ subject, publicKey, privateKey }: VapidKeys): Vapid {
  const sign = (origin: string) => webpush.getVapidHeaders(origin, subject, publicKey, privateKey, "aes128gcm").Authorization;
  try {
    sign("https://example.org");
  } catch {
    // The library's message may quote the key.
    throw new Error("WEBPUSH_VAPID_SUBJECT, _PUBLIC_KEY or _PRIVATE_KEY_FILE is not what RFC 8292 wants");
  }
  const signed = new LRUCache<string, string>({ max: SERVICES_MAX, ttl: SIGNED_MS, memoMethod: sign });
  return { current: (origin) => signed.memo(origin), rejected: (origin) => void signed.delete(origin) };
}

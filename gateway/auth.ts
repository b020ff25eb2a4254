import { timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { keyState } from "../core/apps/app.ts";
import type { AppRecord, AppStore } from "../core/ports/app-store.ts";
import { callError } from "../runtime/call-error.ts";
import type { Authenticate } from "../runtime/handler.ts";
import { sha256Hex } from "../runtime/hash.ts";

/** API keys in the cache; 3 MB at 300 bytes each. */
const KEYS_MAX = 10_000;

/**
 * Finds the app whose API key the call carries. Keys are stored and looked up by hash: a stolen hash cannot be used, and the timing of the
 * lookup reveals nothing about a key.
 */
export function createAuthenticate(apps: AppStore, cacheMs: number): Authenticate<AppRecord> {
  const known = new LRUCache<string, AppRecord>({ max: KEYS_MAX, ttl: Math.max(1, cacheMs) });
  return async (header) => {
    const key = /^Bearer ([!-~]{1,200})$/.exec(header("authorization") ?? "")?.[1];
    if (key === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", 'metadata "authorization" must hold "Bearer <API key>"');
    const hash = sha256Hex(key);
    let app = known.get(hash);
    if (app === undefined) {
      try {
        app = await apps.findByKeyHash(hash);
      } catch {
        return callError("UNAVAILABLE", "UNAVAILABLE", "the API key cannot be checked: the store is unavailable");
      }
    }
    if (app === undefined || !isValidKey(app, hash)) {
      return callError("UNAUTHENTICATED", "UNAUTHENTICATED", "the API key is not known");
    }
    known.set(hash, app);
    return app;
  };
}

const isValidKey = ({ keys }: AppRecord, hash: string) =>
  keys.some((key) => timingSafeEqual(Buffer.from(key.hash), Buffer.from(hash)) && keyState(key, Date.now()) === "valid");

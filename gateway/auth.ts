import { timingSafeEqual } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";
import { LRUCache } from "lru-cache";
import type { AppRecord, AppStore } from "../core/ports/app-store.ts";
import { type CallError, callError } from "../runtime/grpc/status.ts";
import { sha256Hex } from "../runtime/hash.ts";

/** Callers' keys known at a time; at 300 bytes each 3 MB. */
const KEYS_MAX = 10_000;

/** The app whose key the call carries, or the status to answer with. */
export type Authenticate = (metadata: Metadata) => Promise<AppRecord | CallError>;

/** API keys are compared by hash: what is stored cannot be used, and the status query's timing tells nothing of a key. */
export function createAuthenticate(apps: AppStore, cacheMs: number): Authenticate {
  const known = new LRUCache<string, AppRecord>({ max: KEYS_MAX, ttl: Math.max(1, cacheMs) });
  return async (metadata) => {
    const header = metadata.get("authorization")[0];
    const key = typeof header === "string" ? /^Bearer ([!-~]{1,200})$/.exec(header)?.[1] : undefined;
    if (key === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", 'metadata "authorization" must hold "Bearer <API key>"');
    const hash = sha256Hex(key);
    let app = known.get(hash);
    if (app === undefined) {
      try {
        app = await apps.findByKeyHash(hash);
      } catch {
        return callError("UNAVAILABLE", "UNAVAILABLE", "the API key cannot be checked: the store is away");
      }
    }
    if (app === undefined || !app.keyHashes.some((h) => timingSafeEqual(Buffer.from(h), Buffer.from(hash)))) {
      return callError("UNAUTHENTICATED", "UNAUTHENTICATED", "the API key is not known");
    }
    known.set(hash, app);
    return app;
  };
}

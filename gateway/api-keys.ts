import { LRUCache } from "lru-cache";
import { isApiKey, parseApiKey } from "../core/apps/api-key.ts";
import { type ApiKeyRecord, type AppRecord, keyState } from "../core/apps/app.ts";
import type { AppStore } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Category } from "../core/preferences/category.ts";
import { type TokenBucket, takeFrom } from "../core/quotas/bucket.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { sha256Hex } from "../runtime/hash.ts";
import type { Logger } from "../runtime/logger.ts";

/**
 * Longest that what was read of an app is used, in ms: KEY_CACHE_MS may be no more. With LOOKUP_MS_MAX it is the 5 s within which a revocation
 * and changed limits take effect in every gateway.
 */
export const KEY_CACHE_MS_MAX = 3_000;
/** Longest that one lookup in the store may take, in ms. */
export const LOOKUP_MS_MAX = 2_000;
/** Keys whose app is in the cache, and bytes of these apps: one with all its keys and prefixes has 17 kB, most have 1 kB. */
const APPS_MAX = 10_000;
const APPS_BYTES_MAX = 16 * 1_024 * 1_024;
/** Roughly, in bytes: what is fixed, each key, each prefix, and so on. */
const APP_BYTES = { fixed: 1_000, key: 200, prefix: 20, sender: 80, from: 280, category: 500, label: 500, tenant: 100 } as const;
/** Keys that were not found, in the cache; 2 MB. Apart from the apps, which a flood of wrong keys must not displace. */
const UNKNOWN_MAX = 10_000;
/**
 * Lookups per second of keys that no app had when all were last read. Whoever tries keys costs the store no more than this, and only keys made
 * since then compete with them.
 */
export const NEW_LOOKUPS_PER_SECOND = 100;
/** Between two readings of all keys, in ms. */
const READ_ALL_MS = 30_000;
/** After a reading of all keys failed, in ms. */
const READ_AGAIN_MS = 1_000;
/** A gateway waits for its first reading this long before it serves, in ms; then every key shares NEW_LOOKUPS_PER_SECOND until one succeeds. */
export const FIRST_READING_MS = 10_000;
/** Hashes of keys in memory: 15 MB. Further keys share NEW_LOOKUPS_PER_SECOND. */
const HASHES_MAX = 100_000;
/** The use of a key is logged once in this time, in ms: it shows which of several keys is still used. */
const USE_LOGGED_MS = 3_600_000;
/** From so long before it expires, in ms, a key in use is logged as a warning. */
const EXPIRES_SOON_MS = 7 * 86_400_000;
/** Keys of which the last line is remembered. */
const LOGGED_MAX = 10_000;

/** The app that calls, and the id of the key that it calls with. */
export interface AppCaller extends AppRecord {
  keyId: string;
}

export type KeyVerdict =
  | { kind: "valid"; caller: AppCaller }
  /** `malformed`: no key of ours; perhaps not copied whole. `keyId` is what the key says of itself. */
  | { kind: "rejected"; why: "malformed" | "unknown" | "expired" | "revoked"; keyId?: string | undefined }
  | { kind: "unavailable"; why: "store" | "too-many-new-keys"; retryAfterMs: number };

export interface ApiKeys {
  /** At once where what was read of the key is recent, as it is for nearly every call. */
  find(key: string): KeyVerdict | Promise<KeyVerdict>;
  /** Resolves once run() has read all keys, or after FIRST_READING_MS. */
  whenRead(): Promise<void>;
  /** Keeps the hashes of all keys in memory until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface Reading {
  app: AppRecord | undefined;
  /** Of the key that was looked up. */
  record: ApiKeyRecord | undefined;
  caller: AppCaller | undefined;
  /** The state in which its use was last reported to logUse(). */
  used?: ReturnType<typeof keyState>;
  /** When it began, by the monotonic clock. */
  at: number;
}

export interface ApiKeysParts {
  apps: Pick<AppStore, "findByKeyHash" | "list">;
  /** KEY_CACHE_MS */
  cacheMs: number;
  clock: Clock;
  log: Logger;
}

/** Keys are stored and looked up by hash: a stolen hash cannot be used, and the timing of a lookup reveals nothing about a key. */
export function createApiKeys({ apps, cacheMs, clock, log }: ApiKeysParts): ApiKeys {
  const found = new LRUCache<string, Reading>({ max: APPS_MAX, maxSize: APPS_BYTES_MAX, sizeCalculation: bytesOf });
  const notFound = new LRUCache<string, Reading>({ max: UNKNOWN_MAX });
  const underWay = new Map<string, { at: number; reading: Promise<Reading> }>();
  const logged = new LRUCache<string, true>({ max: LOGGED_MAX, ttl: USE_LOGGED_MS, perf: { now: () => clock.monotonic() } });
  let budget: TokenBucket | undefined;
  let hashes: ReadonlySet<string> = new Set();
  const first = Promise.withResolvers<void>();

  /** A reading that began before this is not used. */
  const isRecent = ({ at }: { at: number }) => clock.monotonic() - at < cacheMs;

  function mayLookUpNew(): boolean {
    const limit = { ratePerSecond: NEW_LOOKUPS_PER_SECOND, burst: NEW_LOOKUPS_PER_SECOND };
    const { bucket, granted } = takeFrom(budget, limit, 1, clock.monotonic());
    budget = bucket;
    return granted === 1;
  }

  async function read(hash: string): Promise<Reading> {
    const at = clock.monotonic();
    const stored = await withDeadline(apps.findByKeyHash(hash), { limitMs: LOOKUP_MS_MAX, clock });
    const app = stored && withoutBrand(stored);
    const record = app?.keys.find((k) => k.hash === hash);
    const reading = { app, record, caller: app && record && { ...app, keyId: record.id }, at };
    const [cache, other] = app ? [found, notFound] : [notFound, found];
    cache.set(hash, reading);
    other.delete(hash);
    return reading;
  }

  /** Calls that arrive together share one lookup. */
  function readOnce(hash: string): Promise<Reading> {
    const other = underWay.get(hash);
    if (other && isRecent(other)) return other.reading;
    const entry = { at: clock.monotonic(), reading: read(hash) };
    underWay.set(hash, entry);
    const end = () => {
      if (underWay.get(hash) === entry) underWay.delete(hash);
    };
    entry.reading.then(end, end);
    return entry.reading;
  }

  async function readAll(): Promise<boolean> {
    try {
      const all = new Set<string>();
      for await (const { keys } of apps.list()) for (const { hash } of keys) if (all.size < HASHES_MAX) all.add(hash);
      hashes = all;
      first.resolve();
      return true;
    } catch {
      // The hashes of before stay; lookups report that the store is unavailable.
      return false;
    }
  }

  function judge(reading: Reading, text: string): KeyVerdict {
    const { app, record, caller } = reading;
    if (!app || !record || !caller) return { kind: "rejected", why: "unknown", keyId: parseApiKey(text)?.id };
    const state = keyState(record, clock.now());
    if (reading.used !== state) logUse(app, record, state);
    reading.used = state;
    return state === "valid" ? { kind: "valid", caller } : { kind: "rejected", why: state, keyId: record.id };
  }

  async function lookUp(text: string, hash: string, before: Reading | undefined): Promise<KeyVerdict> {
    if (!isApiKey(text)) return { kind: "rejected", why: "malformed" };
    const isNew = before?.app === undefined && !hashes.has(hash) && !underWay.has(hash);
    if (isNew && !mayLookUpNew()) return { kind: "unavailable", why: "too-many-new-keys", retryAfterMs: 1_000 };
    try {
      return judge(await readOnce(hash), text);
    } catch {
      return { kind: "unavailable", why: "store", retryAfterMs: 1_000 };
    }
  }

  function logUse({ id: app }: AppRecord, { id: keyId, expiresAt }: ApiKeyRecord, state: ReturnType<typeof keyState>): void {
    const line = `${app}/${keyId}/${state}`;
    if (logged.get(line)) return;
    logged.set(line, true);
    if (state !== "valid") log.warn({ app, keyId }, `a call with an API key that ${state === "revoked" ? "was revoked" : "has expired"}`);
    else if (expiresAt === undefined) log.info({ app, keyId }, "API key in use");
    else {
      const fields = { app, keyId, expiresAt: new Date(expiresAt).toISOString() };
      if (expiresAt - clock.now() > EXPIRES_SOON_MS) log.info(fields, "API key in use");
      else log.warn(fields, "an API key in use expires soon");
    }
  }

  return {
    find(text) {
      // First what is known of its hash: the checksum of a key takes longer to compute, and was right when the key was looked up.
      const hash = sha256Hex(text);
      const cached = found.get(hash) ?? notFound.get(hash);
      return cached && isRecent(cached) ? judge(cached, text) : lookUp(text, hash, cached);
    },
    whenRead: () => withDeadline(first.promise, { limitMs: FIRST_READING_MS, clock }, () => undefined),
    async run(signal) {
      while (!signal.aborted) await clock.sleep((await readAll()) ? READ_ALL_MS : READ_AGAIN_MS, signal);
    },
  };
}

/** A logo is larger than all the rest, and nothing here shows it. */
const withoutBrand = ({ brand: _brand, ...app }: AppRecord): AppRecord => app;

const categoryBytes = ({ labels, tenantDefaults = {} }: Category) =>
  APP_BYTES.category + Object.keys(labels).length * APP_BYTES.label + Object.keys(tenantDefaults).length * APP_BYTES.tenant;

const bytesOf = ({ app }: Reading) =>
  APP_BYTES.fixed +
  (app?.keys.length ?? 0) * APP_BYTES.key +
  (app?.limits.smsPrefixes?.length ?? 0) * APP_BYTES.prefix +
  (app?.limits.smsSenders?.length ?? 0) * APP_BYTES.sender +
  (app?.limits.emailFrom?.length ?? 0) * APP_BYTES.from +
  (app?.categories ?? []).reduce((sum, category) => sum + categoryBytes(category), 0);

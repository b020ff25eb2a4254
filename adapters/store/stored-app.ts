// Like stored.ts: shapes in which earlier versions stored apps.
import type { ApiKeyRecord, AppRecord } from "../../core/apps/app.ts";
import type { AppLimits } from "../../core/apps/limits.ts";
import type { Channel } from "../../core/delivery/channel.ts";

/** What earlier versions do not know. */
type Later = Pick<AppRecord, "categories" | "brand">;

export interface StoredApp extends Partial<Omit<AppRecord, "id" | "channels" | "limits" | keyof Later>> {
  id: string;
  channels: Channel[];
  /**
   * An earlier version replaces the record by the fields that it knows, but keeps limits as they are, whatever is in them. So what it does not know is kept
   * with them: were categories lost, people would be opted in to those that are opted out by default.
   */
  limits?: AppLimits & { kept?: Later | undefined };
  /** Until 0.1.0 the hashes were all there was of keys. */
  keyHashes?: string[] | undefined;
}

/** A version of 0 is that of an app which an earlier version wrote. */
export function readApp({
  id,
  channels,
  limits: { kept, ...limits } = {},
  accounts,
  keys,
  keyHashes = [],
  version = 0,
}: StoredApp): AppRecord {
  const own = { ...(accounts && { accounts }), ...kept };
  return { id, channels, limits, ...own, keys: keys ?? keyHashes.map(keyOfEarlierVersion), version };
}

/** Hex digits of the hash that serve as the id of a key without one. Of a hash of 256 random bits, 32 tell nothing about the key. */
const HASH_ID_DIGITS = 8;
const keyOfEarlierVersion = (hash: string): ApiKeyRecord => ({ id: hash.slice(0, HASH_ID_DIGITS), hash });

/**
 * With `keyHashes`, for processes of an earlier version that run beside this one during a rolling upgrade. They know of no expiry, so only keys
 * without one are valid there.
 */
export const writeApp = ({ categories, brand, limits, ...app }: AppRecord): StoredApp => {
  const kept: Later = { ...(categories && { categories }), ...(brand && { brand }) };
  return {
    ...app,
    limits: Object.keys(kept).length > 0 ? { ...limits, kept } : limits,
    keyHashes: app.keys.filter((key) => key.revokedAt === undefined && key.expiresAt === undefined).map((key) => key.hash),
  };
};

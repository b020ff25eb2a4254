import type { Channel } from "../delivery/channel.ts";
import type { Category } from "../preferences/category.ts";
import type { AppAccounts } from "./accounts.ts";
import type { Brand } from "./brand.ts";
import type { AppLimits } from "./limits.ts";

/** A calling service: what it may use, and the API keys that prove a call is its own. */
export interface AppRecord {
  id: string;
  channels: Channel[];
  limits: AppLimits;
  /** Absent: every delivery is sent with the default account. */
  accounts?: AppAccounts | undefined;
  /** What it writes about; absent: none was put. */
  categories?: Category[] | undefined;
  /** On the pages that its recipients see; absent: none was set. */
  brand?: Brand | undefined;
  /** The oldest first. */
  keys: ApiKeyRecord[];
  /** Each change adds one. */
  version: number;
}

/** Times are ms since the epoch. */
export interface ApiKeyRecord {
  /** Part of the key itself, `ck_<id>_<secret>`, and public: for logs, lists and revoking. */
  id: string;
  /** Hex SHA-256 of the whole key. */
  hash: string;
  /** Absent for keys of versions that did not store it. */
  createdAt?: number | undefined;
  /** From this moment on it is not valid; absent: it stays valid. */
  expiresAt?: number | undefined;
  revokedAt?: number | undefined;
}

export type KeyState = "valid" | "expired" | "revoked";

export function keyState({ expiresAt, revokedAt }: ApiKeyRecord, now: number): KeyState {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "valid";
}

export const APP_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Keys of one app, those included that are no longer valid: its record is read at each lookup of one of them. */
export const APP_KEYS_MAX = 50;

import { APP_ID, APP_KEYS_MAX, type ApiKeyRecord, type AppRecord, keyState } from "../../core/apps/app.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createApiKey } from "./api-key.ts";

/**
 * Registers an app, or gives a registered one another API key; its earlier keys stay valid. Without `channels` a registered app keeps its
 * channels and a new one may use all. The key is returned once; only its hash is stored.
 */
export async function grantApiKey(
  apps: Pick<AppStore, "change">,
  { id, channels, now = Date.now(), expiresAt }: GrantOptions,
): Promise<{ key: string; keyId: string; app: AppRecord; created: boolean }> {
  if (!APP_ID.test(id)) throw new RangeError("id: must be 1 to 63 of a-z, 0-9 and -, and not begin with -");
  const { key, record } = createApiKey({ now, expiresAt });
  const app = await apps.change(id, (before) => ({
    channels: [...(channels ?? before?.channels ?? CHANNELS)],
    limits: before?.limits ?? {},
    keys: withKey(id, before?.keys ?? [], record, now),
  }));
  return { key, keyId: record.id, app, created: app.version === 1 };
}

export interface GrantOptions {
  id: string;
  channels?: readonly Channel[] | undefined;
  /** ms since the epoch. */
  now?: number | undefined;
  expiresAt?: number | undefined;
}

/** Keys that are no longer valid are removed where there is no room for the new one, the oldest first. */
export function withKey(app: string, keys: readonly ApiKeyRecord[], added: ApiKeyRecord, now: number): ApiKeyRecord[] {
  const kept = [...keys];
  while (kept.length >= APP_KEYS_MAX) {
    const dead = kept.findIndex((key) => keyState(key, now) !== "valid");
    if (dead < 0) throw new OperatorError(`app ${app} has ${APP_KEYS_MAX} valid API keys, which is the limit: revoke some`);
    kept.splice(dead, 1);
  }
  return [...kept, added];
}

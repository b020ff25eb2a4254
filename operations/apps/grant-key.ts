import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { createApiKey } from "./api-key.ts";

/** What an app's id looks like. */
export const APP_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Registers an app, or gives a registered one another API key; its earlier keys stay valid. Without `channels` a registered app keeps its
 * channels and a new one may use all. The key is returned once; only its hash is stored. Not safe to run twice at once for one app: the app
 * is read and replaced, so one of the two keys would be lost.
 */
export async function grantApiKey(
  apps: Pick<AppStore, "find" | "put">,
  { id, channels }: { id: string; channels?: readonly Channel[] | undefined },
): Promise<{ key: string; app: AppRecord; created: boolean }> {
  if (!APP_ID.test(id)) throw new RangeError("id: must be 1 to 63 of a-z, 0-9 and -, and not begin with -");
  const before = await apps.find(id);
  const { key, hash } = createApiKey();
  const app = {
    id,
    channels: [...(channels ?? before?.channels ?? CHANNELS)],
    keyHashes: [...(before?.keyHashes ?? []), hash],
  };
  await apps.put(app);
  return { key, app, created: before === undefined };
}

import { type AppAccounts, accountFaults, type ProviderName } from "../../core/apps/accounts.ts";
import { APP_ID, APP_KEYS_MAX, type ApiKeyRecord, type AppRecord, keyState } from "../../core/apps/app.ts";
import { type AppLimits, limitFaults } from "../../core/apps/limits.ts";
import type { DaysByClass } from "../../core/apps/retention.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { AppSettings, AppStore } from "../../core/ports/app-store.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createApiKey } from "./api-key.ts";

// What operators do with apps and their keys. Each is one atomic change, so that two operators lose nothing of one another's.

type Apps = Pick<AppStore, "change">;

/** A key as it is made: shown once, because only its hash is stored. */
export interface GrantedKey {
  key: string;
  record: ApiKeyRecord;
  app: AppRecord;
}

export interface KeyTerms {
  now: number;
  /** ms since the epoch; undefined: it does not expire. */
  expiresAt?: number | undefined;
}

/** Longest that a key may be valid, and that a rotation may overlap, in ms: ten years. What is longer is a typing error. */
export const KEY_LIFE_MS_MAX = 10 * 365 * 86_400_000;

export const APP_ID_RULE = "must be 1 to 63 of a-z, 0-9 and -, and not begin with -";

/** Rejects where the app exists: its id may be another's. */
export function createApp(apps: Apps, id: string, channels: readonly Channel[], terms: KeyTerms): Promise<GrantedKey> {
  return grant(apps, id, terms, (before) => {
    if (before) throw new OperatorError(`app ${id} exists; \`carillon app key add ${id}\` gives it another key`);
    return { channels: [...new Set(channels)], limits: {}, keys: [] };
  });
}

export const addKey = (apps: Apps, id: string, terms: KeyTerms): Promise<GrantedKey> => grant(apps, id, terms, existing(id));

/** A new key; the other valid ones, or only `keyId`, expire after the overlap, if they do not expire earlier. */
export async function rotateKey(
  apps: Apps,
  id: string,
  { overlapMs, keyId, ...terms }: KeyTerms & { overlapMs: number; keyId?: string | undefined },
): Promise<GrantedKey> {
  if (!(overlapMs >= 0 && overlapMs <= KEY_LIFE_MS_MAX)) throw new RangeError("overlapMs: must be 0 to ten years");
  const until = terms.now + overlapMs;
  return grant(apps, id, terms, (before) => {
    const app = existing(id)(before);
    if (keyId !== undefined) requireKey(app, id, keyId);
    const ends = (key: ApiKeyRecord) => (keyId === undefined || key.id === keyId) && keyState(key, terms.now) === "valid";
    return { ...app, keys: app.keys.map((key) => (ends(key) ? { ...key, expiresAt: Math.min(key.expiresAt ?? until, until) } : key)) };
  });
}

/** Keys that are revoked already stay as they are. Rejects, and revokes none, where one is not the app's. */
export const revokeKeys = (apps: Apps, id: string, keyIds: readonly string[], now: number): Promise<AppRecord> =>
  apps.change(id, (before) => {
    const app = existing(id)(before);
    for (const keyId of keyIds) requireKey(app, id, keyId);
    return { ...app, keys: app.keys.map((key) => (keyIds.includes(key.id) ? { ...key, revokedAt: key.revokedAt ?? now } : key)) };
  });

/** Sets the limits that are named. Undefined takes the app's own one away, so that the installation's default applies. */
export const setLimits = (apps: Apps, id: string, set: AppLimits): Promise<AppRecord> =>
  apps.change(id, (before) => {
    const app = existing(id)(before);
    const dailyMax = "dailyMax" in set ? mergeDailyMax(app.limits.dailyMax, set.dailyMax) : app.limits.dailyMax;
    const days = (name: "contentDays" | "metadataDays") => (name in set ? mergeDays(app.limits[name], set[name]) : app.limits[name]);
    const ofDays = { contentDays: days("contentDays"), metadataDays: days("metadataDays") };
    const limits = withoutUndefined({ ...app.limits, ...set, dailyMax, ...ofDays });
    const faults = limitFaults(limits);
    if (faults.length > 0) throw new OperatorError(`limits of app ${id}: ${faults.join("; ")}`);
    return { ...app, limits };
  });

/**
 * Sets the accounts that serve an app, by provider or channel. Undefined takes the app's own one away, so that its channel's applies, or the default.
 * @param providers all that there are
 */
export const setAccounts = (
  apps: Apps,
  id: string,
  set: Readonly<Record<string, string | undefined>>,
  providers: readonly ProviderName[],
): Promise<AppRecord> =>
  apps.change(id, (before) => {
    const { accounts: known, ...app } = existing(id)(before);
    const accounts = withoutUndefined({ ...known, ...set }) as AppAccounts;
    const given = Object.fromEntries(Object.entries(accounts).filter(([of]) => set[of] !== undefined));
    const unknown = Object.keys(set).filter((of) => set[of] === undefined && known?.[of] === undefined);
    const faults = [
      ...accountFaults(given, providers, app.channels),
      ...unknown.map((of) => `${of}: the app has no account of its own there`),
    ];
    if (faults.length > 0) throw new OperatorError(`accounts of app ${id}: ${faults.join("; ")}`);
    return { ...app, ...(Object.keys(accounts).length > 0 ? { accounts } : {}) };
  });

export const setChannels = (apps: Apps, id: string, channels: readonly Channel[]): Promise<AppRecord> =>
  apps.change(id, (before) => ({ ...existing(id)(before), channels: [...new Set(channels)] }));

/** For development and tests: registers the app where there is none, and gives it another key. */
export async function grantApiKey(
  apps: Apps,
  { id, channels, now = Date.now() }: { id: string; channels?: readonly Channel[] | undefined; now?: number },
): Promise<{ key: string; keyId: string; app: AppRecord }> {
  const { key, record, app } = await grant(apps, id, { now }, (before) => ({
    ...before,
    channels: [...(channels ?? before?.channels ?? CHANNELS)],
    limits: before?.limits ?? {},
    keys: before?.keys ?? [],
  }));
  return { key, keyId: record.id, app };
}

async function grant(
  apps: Apps,
  id: string,
  { now, expiresAt }: KeyTerms,
  edit: (before: AppRecord | undefined) => AppSettings,
): Promise<GrantedKey> {
  if (!APP_ID.test(id)) throw new RangeError(`id: ${APP_ID_RULE}`);
  if (expiresAt !== undefined && !(expiresAt > now && expiresAt <= now + KEY_LIFE_MS_MAX))
    throw new RangeError("expiresAt: must be after now, and within ten years");
  const { key, record } = createApiKey({ now, expiresAt });
  const app = await apps.change(id, (before) => {
    const settings = edit(before);
    return { ...settings, keys: withKey(id, settings.keys, record, now) };
  });
  return { key, record, app };
}

/** Keys that are no longer valid are removed where there is no room for the new one, the oldest first. */
function withKey(app: string, keys: readonly ApiKeyRecord[], added: ApiKeyRecord, now: number): ApiKeyRecord[] {
  const kept = [...keys];
  while (kept.length >= APP_KEYS_MAX) {
    const dead = kept.findIndex((key) => keyState(key, now) !== "valid");
    if (dead < 0) throw new OperatorError(`app ${app} has ${APP_KEYS_MAX} valid API keys, which is the limit: revoke some`);
    kept.splice(dead, 1);
  }
  return [...kept, added];
}

export const unknownApp = (id: string) => new OperatorError(`there is no app ${id}; \`carillon app list\` shows those there are`);

/** The app; an OperatorError where there is none. */
export async function findApp(apps: Pick<AppStore, "find">, id: string): Promise<AppRecord> {
  const app = await apps.find(id);
  if (!app) throw unknownApp(id);
  return app;
}

const existing =
  (id: string) =>
  (app: AppRecord | undefined): AppRecord => {
    if (!app) throw unknownApp(id);
    return app;
  };

function requireKey({ keys }: AppSettings, id: string, keyId: string): void {
  if (!keys.some((key) => key.id === keyId)) throw new OperatorError(`app ${id} has no key ${keyId}; \`carillon app key list ${id}\``);
}

/** Each channel and class that is named is set; a class that is undefined is taken away. Undefined takes all away. */
function mergeDailyMax(before: AppLimits["dailyMax"], set: AppLimits["dailyMax"]): AppLimits["dailyMax"] {
  if (set === undefined) return undefined;
  const merged = { ...before };
  for (const channel of CHANNELS) if (set[channel]) merged[channel] = withoutUndefined({ ...merged[channel], ...set[channel] });
  const named = Object.entries(merged).filter(([, byClass]) => Object.keys(byClass).length > 0);
  return named.length > 0 ? Object.fromEntries(named) : undefined;
}

function mergeDays(before: DaysByClass | undefined, set: DaysByClass | undefined): DaysByClass | undefined {
  const merged = withoutUndefined({ ...before, ...set });
  return set === undefined || Object.keys(merged).length === 0 ? undefined : merged;
}

const withoutUndefined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

/** The first `max` apps, by id, and whether there are more. */
export async function firstApps(apps: Pick<AppStore, "list">, max: number): Promise<{ apps: AppRecord[]; isCut: boolean }> {
  const found: AppRecord[] = [];
  for await (const app of apps.list()) {
    if (found.length === max) return { apps: found, isCut: true };
    found.push(app);
  }
  return { apps: found, isCut: false };
}

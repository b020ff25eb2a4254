import { type ApiKeyRecord, type AppRecord, keyState } from "../../core/apps/app.ts";
import type { AppLimits } from "../../core/apps/limits.ts";
import { limitRows } from "../../operations/apps/limit-rows.ts";
import { table } from "../table.ts";
import { accountsText } from "./account-options.ts";

const time = (ms: number | undefined) => (ms === undefined ? "-" : new Date(ms).toISOString());

/** A key without its hash, which nobody needs to see. */
export const keyJson = (key: ApiKeyRecord, now: number) => ({
  ...{ id: key.id, state: keyState(key, now) },
  ...Object.fromEntries(
    (["createdAt", "expiresAt", "revokedAt"] as const).flatMap((name) => (key[name] === undefined ? [] : [[name, time(key[name])]])),
  ),
});

const KEY_HEADER = ["key", "state", "created", "expires", "revoked"];
const keyRow = (key: ApiKeyRecord, now: number) => [
  key.id,
  keyState(key, now),
  time(key.createdAt),
  time(key.expiresAt),
  time(key.revokedAt),
];

export const appJson = ({ id, channels, limits, accounts = {}, keys, version }: AppRecord, now: number) => ({
  ...{ id, channels, limits, accounts },
  keys: keys.map((key) => keyJson(key, now)),
  version,
});

export function appsText(apps: readonly AppRecord[], now: number): string {
  if (apps.length === 0) return "no apps";
  const valid = ({ keys }: AppRecord) => keys.filter((key) => keyState(key, now) === "valid").length;
  const rows = apps.map((app) => [app.id, app.channels.join(","), valid(app), limitsText(app.limits).replaceAll("\n", "  ")]);
  return table(["app", "channels", "valid keys", "limits"], rows);
}

export const appText = (app: AppRecord, now: number) =>
  [
    `app       ${app.id}`,
    `channels  ${app.channels.join(",")}`,
    "limits",
    ...limitsText(app.limits)
      .split("\n")
      .map((line) => `  ${line}`),
    "accounts",
    ...accountsText(app.accounts)
      .split("\n")
      .map((line) => `  ${line}`),
    "keys",
    keysText(app.keys, now),
  ].join("\n");

export function keysText(keys: readonly ApiKeyRecord[], now: number): string {
  if (keys.length === 0) return "  no keys";
  return table(
    KEY_HEADER,
    keys.map((key) => keyRow(key, now)),
  );
}

export interface KeyOfApp {
  app: string;
  key: ApiKeyRecord;
}

/** The keys of several apps. */
export function allKeysText(keys: readonly KeyOfApp[], now: number): string {
  if (keys.length === 0) return "no keys";
  return table(
    ["app", ...KEY_HEADER],
    keys.map(({ app, key }) => [app, ...keyRow(key, now)]),
  );
}

/** As `carillon app limits set` takes them. */
export function limitsText(limits: AppLimits): string {
  const lines = limitRows(limits).map(([name, value]) => `--${name} ${value}`);
  return lines.length > 0 ? lines.join("\n") : "none of its own: the installation's defaults apply";
}

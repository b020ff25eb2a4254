import { type ApiKeyRecord, keyState } from "../../core/apps/app.ts";
import { type Command, duration, text } from "../command.ts";
import { table } from "../table.ts";
import { print, withApps } from "./with-apps.ts";

interface KeyOfApp {
  app: string;
  key: ApiKeyRecord;
}

export const KEYS_COMMANDS: Readonly<Record<string, Command>> = {
  keys: {
    about: "lists the API keys of all apps by their ids, with their state and when they expire (STORE_URL)",
    usage: "[--expiring 30d] [--json]",
    details: [
      "--expiring leaves only valid keys that expire within this time.",
      "",
      "  carillon keys create ID [--expires-in 90d]   gives an app another key (app key add)",
      "  carillon keys rotate ID [--overlap 24h]      replaces its keys (app key rotate)",
      "  carillon keys revoke ID KEY_ID...            ends them now (app key revoke)",
    ].join("\n"),
    options: { expiring: { type: "string" }, json: { type: "boolean" } },
    run: ({ values, env }) => {
      const expiring = text(values.expiring);
      const withinMs = expiring === undefined ? undefined : duration(expiring, "--expiring");
      return withApps(env, async (apps) => {
        const now = Date.now();
        const all: KeyOfApp[] = [];
        for await (const { id, keys } of apps.list()) all.push(...keys.map((key) => ({ app: id, key })));
        const shown = withinMs === undefined ? all : all.filter(({ key }) => expiresWithin(key, now, withinMs));
        print(
          values.json === true
            ? JSON.stringify(
                shown.map((one) => keyJson(one, now)),
                null,
                2,
              )
            : keysTable(shown, now),
        );
      });
    },
  },
};

const expiresWithin = (key: ApiKeyRecord, now: number, ms: number) =>
  keyState(key, now) === "valid" && key.expiresAt !== undefined && key.expiresAt <= now + ms;

const time = (ms: number | undefined) => (ms === undefined ? "-" : new Date(ms).toISOString());

const keyJson = ({ app, key }: KeyOfApp, now: number) => ({
  ...{ app, id: key.id, state: keyState(key, now), createdAt: time(key.createdAt) },
  ...(key.expiresAt === undefined ? {} : { expiresAt: time(key.expiresAt) }),
  ...(key.revokedAt === undefined ? {} : { revokedAt: time(key.revokedAt) }),
});

function keysTable(keys: readonly KeyOfApp[], now: number): string {
  if (keys.length === 0) return "no keys";
  const rows = keys.map(({ app, key }) => [app, key.id, keyState(key, now), time(key.createdAt), time(key.expiresAt), time(key.revokedAt)]);
  return table(["app", "key", "state", "created", "expires", "revoked"], rows);
}

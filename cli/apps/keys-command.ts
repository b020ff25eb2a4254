import { type ApiKeyRecord, keyState } from "../../core/apps/app.ts";
import { type Command, duration } from "../command.ts";
import { KEY_LIFE } from "../duration-bounds.ts";
import { printResult } from "../output.ts";
import { allKeysText, type KeyOfApp, keyJson } from "./report.ts";
import { withApps } from "./with-apps.ts";

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
      const withinMs = values.expiring === undefined ? undefined : duration(values.expiring, "--expiring", KEY_LIFE);
      return withApps(env, async (apps) => {
        const now = Date.now();
        const all: KeyOfApp[] = [];
        for await (const { id, keys } of apps.list()) all.push(...keys.map((key) => ({ app: id, key })));
        const shown = withinMs === undefined ? all : all.filter(({ key }) => expiresWithin(key, now, withinMs));
        const json = shown.map(({ app, key }) => ({ app, ...keyJson(key, now) }));
        printResult(values, json, () => allKeysText(shown, now));
      });
    },
  },
};

const expiresWithin = (key: ApiKeyRecord, now: number, ms: number) =>
  keyState(key, now) === "valid" && key.expiresAt !== undefined && key.expiresAt <= now + ms;

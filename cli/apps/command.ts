import { openConfiguredStore, storeVariables } from "../../adapters/store/store-config.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import {
  addKey,
  createApp,
  findApp,
  type GrantedKey,
  revokeKeys,
  rotateKey,
  setAccounts,
  setChannels,
  setLimits,
} from "../../operations/apps/apps.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { type Command, duration, fail, type Invocation, text } from "../command.ts";
import { KEY_LIFE, OVERLAP } from "../duration-bounds.ts";
import { openNamedStore, withStore } from "../open-store.ts";
import { loggedChange, OPTIONAL_ORDER_USAGE, ORDER_OPTIONS, readOptionalOrder } from "../order.ts";
import { printResult } from "../output.ts";
import { accountsText, readAccountEntries } from "./account-options.ts";
import { BRAND_COMMANDS } from "./brand-command.ts";
import { KEYS_COMMANDS } from "./keys-command.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "./limit-options.ts";
import { printKey } from "./print-key.ts";
import { appJson, appsText, appText, keysText, limitsText } from "./report.ts";
import { WEBHOOK_COMMANDS } from "./webhook-command.ts";
import { changeApp, readId, withApps } from "./with-apps.ts";

const KEY_OPTIONS = { ...ORDER_OPTIONS, "expires-in": { type: "string" }, out: { type: "string" } } as const;
const KEY_USAGE = `[--expires-in 90d] [--out FILE] ${OPTIONAL_ORDER_USAGE}`;
const CHANNELS_USAGE = "--channels apns,fcm,webpush,sms,email";
/** Callers read their configuration again within a day. */
const OVERLAP_DEFAULT = "24h";

/** Calling apps in the store that STORE_URL names. Every gateway obeys a change within 5 s. */
export const APP_COMMANDS: Readonly<Record<string, Command>> = {
  "app create": {
    about: "registers a calling app with its first API key; prints the key once, or writes it to --out (STORE_URL)",
    usage: `ID [${CHANNELS_USAGE}] ${KEY_USAGE}`,
    options: { ...KEY_OPTIONS, channels: { type: "string" } },
    run: (invocation) => {
      const channels = invocation.values.channels === undefined ? CHANNELS : readChannels(invocation);
      return grantKey(invocation, "app create", (apps, id, terms) => createApp(apps, id, channels, terms), openNewStore);
    },
  },
  "app show": {
    about: "shows an app's channels, limits and keys (STORE_URL)",
    usage: "ID [--json]",
    options: { json: { type: "boolean" } },
    run: (invocation) => show(invocation, appText, appJson),
  },
  "app list": {
    about: "lists the apps (STORE_URL)",
    usage: "[--json]",
    options: { json: { type: "boolean" } },
    run: ({ values, env }) =>
      withApps(env, async (apps) => {
        const all = await Array.fromAsync(apps.list());
        const now = Date.now();
        const shown = all.map((app) => appJson(app, now));
        printResult(values, shown, () => appsText(all, now));
      }),
  },
  "app channels": {
    about: "sets the channels that an app may use (STORE_URL)",
    usage: `ID ${CHANNELS_USAGE} ${OPTIONAL_ORDER_USAGE}`,
    options: { ...ORDER_OPTIONS, channels: { type: "string" } },
    run: (invocation) => {
      const [id, channels] = [readId(invocation.positionals[0]), readChannels(invocation)];
      return changeApp(invocation, { action: "app channels", id }, ({ apps }) => setChannels(apps, id, channels), {
        words: (app) => app.channels.join(", "),
        shown: (app) => appText(app, Date.now()),
      });
    },
  },
  "app key add": {
    about: "gives an app another API key, the others stay valid; prints the key once, or writes it to --out (STORE_URL)",
    usage: `ID ${KEY_USAGE}`,
    options: KEY_OPTIONS,
    run: (invocation) => grantKey(invocation, "app key add", addKey),
  },
  "app key list": {
    about: "lists an app's keys by their ids, with their state (STORE_URL)",
    usage: "ID [--json]",
    options: { json: { type: "boolean" } },
    run: (invocation) =>
      show(
        invocation,
        ({ keys }, now) => keysText(keys, now),
        (app, now) => appJson(app, now).keys,
      ),
  },
  "app key rotate": {
    about: "gives an app a new API key; the valid ones, or only --key, expire after the overlap (STORE_URL)",
    usage: `ID [--overlap ${OVERLAP_DEFAULT}] [--key KEY_ID] ${KEY_USAGE}`,
    options: { ...KEY_OPTIONS, overlap: { type: "string", default: OVERLAP_DEFAULT }, key: { type: "string" } },
    run: (invocation) => {
      const { overlap, key } = invocation.values;
      const overlapMs = duration(overlap, "--overlap", OVERLAP);
      return grantKey(invocation, "app key rotate", (apps, id, terms) => rotateKey(apps, id, { ...terms, overlapMs, keyId: text(key) }));
    },
  },
  "app key revoke": {
    about: "revokes API keys of an app: within 5 s no gateway admits a call with one (STORE_URL)",
    usage: `ID KEY_ID... ${OPTIONAL_ORDER_USAGE}`,
    options: ORDER_OPTIONS,
    run: (invocation) => {
      const [given, ...keyIds] = invocation.positionals;
      const id = readId(given);
      if (keyIds.length === 0) fail(`the ids of the keys are missing; \`carillon app key list ${id}\` shows them`);
      return changeApp(invocation, { action: "app key revoke", id }, ({ apps }) => revokeKeys(apps, id, keyIds, Date.now()), {
        words: () => `revoked ${keyIds.join(", ")}`,
        shown: ({ keys }) => keysText(keys, Date.now()),
      });
    },
  },
  "app limits set": {
    about: 'sets limits of an app; "default" takes its own one away, so that the installation\'s applies (STORE_URL)',
    usage: `ID ${LIMIT_USAGE} ${OPTIONAL_ORDER_USAGE}`,
    options: { ...ORDER_OPTIONS, ...LIMIT_OPTIONS },
    run: (invocation) => {
      const [id, limits] = [readId(invocation.positionals[0]), readLimits(invocation.values)];
      return changeApp(invocation, { action: "app limits set", id }, ({ apps }) => setLimits(apps, id, limits), {
        words: () => `set ${Object.keys(limits).join(", ")}`,
        shown: (app) => limitsText(app.limits),
      });
    },
  },
  "app accounts set": {
    about: "says which account serves an app, by provider or by channel; NAME= takes an entry away (STORE_URL)",
    usage: `ID NAME=ACCOUNT... ${OPTIONAL_ORDER_USAGE}`,
    options: ORDER_OPTIONS,
    run: (invocation) => {
      const [given, ...entries] = invocation.positionals;
      const [id, accounts] = [readId(given), readAccountEntries(entries)];
      return changeApp(invocation, { action: "app accounts set", id }, ({ apps }) => setAccounts(apps, id, accounts, PROVIDERS), {
        words: () => `set ${entries.join(", ")}`,
        shown: (app) => accountsText(app.accounts),
      });
    },
  },
  "app accounts show": {
    about: "shows the accounts that serve an app; the default ones serve what is not shown (STORE_URL)",
    usage: "ID [--json]",
    options: { json: { type: "boolean" } },
    run: (invocation) =>
      show(
        invocation,
        ({ accounts }) => accountsText(accounts),
        ({ accounts }) => accounts ?? {},
      ),
  },
  "app limits show": {
    about: "shows an app's own limits; those that are not shown are the installation's (STORE_URL)",
    usage: "ID [--json]",
    options: { json: { type: "boolean" } },
    run: (invocation) =>
      show(
        invocation,
        ({ limits }) => limitsText(limits),
        ({ limits }) => limits,
      ),
  },
  ...KEYS_COMMANDS,
  ...BRAND_COMMANDS,
  ...WEBHOOK_COMMANDS,
};

/** The store that STORE_URL names, made where there is none. */
const openNewStore = (env: Environment) => openConfiguredStore(readConfig(storeVariables, env));

function readChannels({ values }: Invocation): Channel[] {
  const named = text(values.channels) ?? fail("--channels is missing");
  return named.split(",").map((n) => CHANNELS.find((c) => c === n.trim()) ?? fail(`--channels may contain ${CHANNELS.join(", ")}`));
}

function show(
  invocation: Invocation,
  words: (app: AppRecord, now: number) => string,
  json: (app: AppRecord, now: number) => unknown,
): Promise<number> {
  const [id, now] = [readId(invocation.positionals[0]), Date.now()];
  return withApps(invocation.env, async (apps) => {
    const app = await findApp(apps, id);
    printResult(invocation.values, json(app, now), () => words(app, now));
  });
}

function grantKey(
  invocation: Invocation,
  action: string,
  grant: (apps: AppStore, id: string, terms: { now: number; expiresAt?: number | undefined }) => Promise<GrantedKey>,
  open = openNamedStore,
): Promise<number> {
  const { values, positionals, env } = invocation;
  const id = readId(positionals[0]);
  const order = readOptionalOrder(invocation);
  const now = Date.now();
  const expiresIn = values["expires-in"];
  const expiresAt = expiresIn === undefined ? undefined : now + duration(expiresIn, "--expires-in", KEY_LIFE);
  return withStore(
    env,
    (store) => {
      const of = { ...order, action, target: `app:${id}` };
      const granted = () => grant(store.apps, id, { now, expiresAt });
      return printKey(() => loggedChange(store, of, granted, ({ record }) => `key ${record.id}`), text(values.out));
    },
    open,
  );
}

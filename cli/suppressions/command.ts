import { openPreferences, preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import type { Preferences } from "../../adapters/opt-outs/preferences.ts";
import { DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import type { Store } from "../../core/ports/store.ts";
import { BLOCK_KINDS } from "../../core/preferences/block.ts";
import { blocksOf, liftBlocks } from "../../operations/preferences/lift-blocks.ts";
import type { Order } from "../../operations/steering/audit-log.ts";
import { syncSuppressions } from "../../operations/suppressions/sync.ts";
import { accountsVariables, readAccounts } from "../../providers/account-files.ts";
import { type AccountValues, isUnset, type ProviderDefinition } from "../../providers/definition.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ConfigError, type Environment, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { readApp } from "../apps/with-apps.ts";
import { type Command, fail, oneOf, text } from "../command.ts";
import { openNamedStore, openStoreOf } from "../open-store.ts";
import { loggedChange, OPTIONAL_ORDER_USAGE, ORDER_OPTIONS, ORDER_USAGE, readOptionalOrder, readOrder } from "../order.ts";
import { print, printResult } from "../output.ts";
import { ENDPOINT_OPTIONS, ENDPOINT_USAGE, readEndpointSubject } from "../preferences/subject.ts";
import { createProgress } from "../progress.ts";
import { blocksTable, syncJson, syncTable } from "./report.ts";

const SOURCES = PROVIDERS.filter(({ suppressions }) => suppressions !== undefined);
const NAMES = SOURCES.map(({ name }) => name).join("|");

export const SUPPRESSION_COMMANDS: Readonly<Record<string, Command>> = {
  "suppressions sync": {
    about:
      "compares what a provider keeps of addresses (bounces, spam reports, unsubscriptions, invalid ones) with what is stored here (STORE_URL), and with --apply imports what is missing (REDIS_URL); changes nothing without it",
    usage: `--provider ${NAMES} [--account NAME] [--app ID]… [--apply ${OPTIONAL_ORDER_USAGE}] [--json]`,
    options: {
      ...{ provider: { type: "string" }, account: { type: "string" }, app: { type: "string", multiple: true } },
      ...ORDER_OPTIONS,
      ...{ apply: { type: "boolean" }, json: { type: "boolean" } },
    },
    async run({ values, env }) {
      const definition = SOURCES.find(({ name }) => name === values.provider) ?? fail(`--provider must be one of ${NAMES}`);
      const account = text(values.account) ?? DEFAULT_ACCOUNT;
      const own = accountValues(definition, account, env);
      const apps = (values.app as string[] | undefined) ?? [];
      await using stack = new AsyncDisposableStack();
      const store = stack.use(await openNamedStore(env));
      for (const app of apps) if ((await store.apps.find(app)) === undefined) fail(`--app ${app}: there is no such app`);
      const open = await definition.suppressions!.load();
      await using list = open(own, { clock: systemClock });
      const progress = createProgress("read");
      const isApplied = values.apply === true;
      const update = isApplied ? (await openChanges(store, env, stack)).update : undefined;
      const run = () =>
        syncSuppressions(
          { store, clock: systemClock },
          {
            ...{ provider: definition.name, account, pages: list.pages(new AbortController().signal), update },
            ...{
              apps: apps.length === 0 ? undefined : apps,
              actor: "carillon suppressions sync",
              onProgress: (count) => progress.add(count),
            },
          },
        );
      const of = { ...readOptionalOrder({ values }), action: "suppressions sync", target: `account:${definition.name}/${account}` };
      const report = isApplied ? await loggedChange(store, of, run, () => "what was missing is imported") : await run();
      progress.end();
      const gap = list.gap();
      if (report.apps.length === 0) process.stderr.write(`carillon: account ${account} of ${definition.title} serves none of the apps\n`);
      if (gap !== undefined) process.stderr.write(`carillon: ${gap}\n`);
      const shown = { ...report, provider: definition.name, account, applied: isApplied, gap };
      printResult(values, syncJson(shown), () => syncTable(shown));
      return 0;
    },
  },
  "suppressions lift": {
    about:
      "shows what blocks an endpoint in an app (STOP, complaint, bounce), and with --by and --why lifts it, because it was verified or the person asks for it; the history keeps who and why; the provider's own block is lifted there (STORE_URL, REDIS_URL)",
    usage: `--app ID ${ENDPOINT_USAGE} [--kind ${BLOCK_KINDS.join("|")}] [${ORDER_USAGE}]`,
    options: { app: { type: "string" }, ...ENDPOINT_OPTIONS, kind: { type: "string" }, ...ORDER_OPTIONS },
    async run({ values, env }) {
      const blocked = { app: readApp({ values }), subject: readEndpointSubject(values), kind: oneOf(values.kind, "--kind", BLOCK_KINDS) };
      const order = values.why === undefined && values.by === undefined ? undefined : readOrder({ values });
      await using stack = new AsyncDisposableStack();
      const { store } = await openStoreOf(env, blocked.app, stack);
      const { find } = store.preferences;
      const lift = async ({ actor, reason: why }: Order) => {
        const { update } = await openChanges(store, env, stack);
        // The entry outlives an erasure, so it does not name the endpoint: its history does, with the same words.
        const of = { actor, reason: why, action: "suppressions lift", target: `app:${blocked.app}, one endpoint` };
        return loggedChange(
          store,
          of,
          () => liftBlocks({ find, update }, { ...blocked, actor, why }),
          (lifted) => `lifted: ${lifted.map(({ kind }) => kind).join(", ")}`,
        );
      };
      const blocks = order === undefined ? await blocksOf({ find }, blocked) : await lift(order);
      print(blocksTable(blocks));
      if (order === undefined && blocks.length > 0)
        process.stderr.write("carillon: nothing was lifted: say who does it and why with --by and --why\n");
      return 0;
    },
  },
};

/** Writes changes to Redis as well, so that processes that send obey them at once. */
const openChanges = (store: Store, env: Environment, stack: AsyncDisposableStack): Promise<Preferences> =>
  openPreferences(readConfig(preferenceVariables, env), { store, clock: systemClock, log: createLogger("suppressions", "warn"), stack });

/** Throws a ConfigError that names the variables at fault. */
function accountValues(definition: ProviderDefinition, account: string, env: Environment): AccountValues {
  const requires = definition.suppressions?.requires ?? [];
  if (account === DEFAULT_ACCOUNT) {
    const values = readConfig(definition.variables, env);
    const unset = requires.filter((name) => isUnset(values[name]));
    if (unset.length > 0) throw new ConfigError(unset.map((name) => `${name}: must be set, to read what ${definition.title} keeps`));
    return values;
  }
  const { PROVIDER_ACCOUNTS_DIR: directory } = readConfig(accountsVariables, env);
  if (directory === "") throw new ConfigError([`PROVIDER_ACCOUNTS_DIR: must be set, because --account names ${account}`]);
  const parts = { directory, env, definitions: [definition], variablesOf: () => definition.variables, requiresOf: () => requires };
  const reading = readAccounts(parts).get(`${definition.name}/${account}`);
  if (reading === undefined) return fail(`--account ${account}: there is no such account of ${definition.title}`);
  if (reading.kind === "faulty") throw new ConfigError(reading.faults);
  return reading.values;
}

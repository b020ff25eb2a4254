import { openPreferences, preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import type { Preferences } from "../../adapters/opt-outs/preferences.ts";
import { DEFAULT_ACCOUNT } from "../../core/delivery/account.ts";
import type { Store } from "../../core/ports/store.ts";
import { BLOCK_KINDS } from "../../core/preferences/block.ts";
import { blocksOf, liftBlocks } from "../../operations/preferences/lift-blocks.ts";
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
    usage: `--provider ${NAMES} [--account NAME] [--app ID]… [--apply] [--json]`,
    options: {
      ...{ provider: { type: "string" }, account: { type: "string" }, app: { type: "string", multiple: true } },
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
      const report = await syncSuppressions(
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
      "shows what blocks an endpoint in an app (STOP, complaint, bounce), and with --why lifts it, because it was verified or the person asks for it; the history keeps who and why; the provider's own block is lifted there (STORE_URL, REDIS_URL)",
    usage: `--app ID ${ENDPOINT_USAGE} [--kind ${BLOCK_KINDS.join("|")}] [--why WORDS [--by NAME]]`,
    options: { app: { type: "string" }, ...ENDPOINT_OPTIONS, kind: { type: "string" }, why: { type: "string" }, by: { type: "string" } },
    async run({ values, env }) {
      const blocked = { app: readApp({ values }), subject: readEndpointSubject(values), kind: oneOf(values.kind, "--kind", BLOCK_KINDS) };
      const [why, actor] = [text(values.why)?.trim(), text(values.by)];
      if (why === "") fail("--why must say why");
      if (why === undefined && actor !== undefined) fail("--by needs --why");
      await using stack = new AsyncDisposableStack();
      const { store } = await openStoreOf(env, blocked.app, stack);
      const { find } = store.preferences;
      const lift = async (because: string) => {
        const { update } = await openChanges(store, env, stack);
        return liftBlocks({ find, update }, { ...blocked, actor, why: because });
      };
      const blocks = why === undefined ? await blocksOf({ find }, blocked) : await lift(why);
      print(blocksTable(blocks));
      if (why === undefined && blocks.length > 0) process.stderr.write("carillon: nothing was lifted: say why with --why\n");
      return 0;
    },
  },
};

/** So that Redis and those who send follow at once. */
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

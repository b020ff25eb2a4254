import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { natsVariables } from "../../adapters/nats/connect.ts";
import { preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import { storeVariables } from "../../adapters/store/store-config.ts";
import { webhookKeyVariables } from "../../adapters/webhook-secrets.ts";
import { gatewayVariables } from "../../gateway/config.ts";
import { accountsVariables } from "../../providers/account-files.ts";
import { PROVIDERS } from "../../providers/list.ts";
import type { Environment, Variables } from "../../runtime/config.ts";
import type { RunningRole } from "../../runtime/run.ts";

/** What commands in another terminal read, to reach a system that runs here, besides what its roles read. */
export interface Exports {
  CARILLON_ADDRESS: string;
  CARILLON_API_KEY_FILE: string;
  CARILLON_HEALTH: string;
}

const { ERASURE_KEY_FILE, WEBPUSH_HOSTS, SMS_PREFIXES } = gatewayVariables;
/** Variables of roles that commands read, too: where things are, keys, which addresses an import takes, and whom `suppressions sync` asks. */
const COMMAND_VARIABLES: Variables = {
  ...{ ...storeVariables, ...natsVariables, ...preferenceVariables, ...webhookKeyVariables, ...accountsVariables },
  ...{ ERASURE_KEY_FILE, WEBPUSH_HOSTS, SMS_PREFIXES },
  ...Object.assign({}, ...PROVIDERS.filter(({ suppressions }) => suppressions).map(({ variables }) => variables)),
};

/** The address of every role's health checks by its name, as CARILLON_HEALTH has them. */
export const healthAddresses = (roles: readonly RunningRole[]): string =>
  roles.flatMap(({ name, addresses }) => (addresses.http ? [`${name}=${addresses.http}`] : [])).join(",");

/** Of `up`, in the folder where the command runs, unless --directory names another one. */
export const DIRECTORY = ".carillon";
export const exportsIn = (directory: string): string => join(directory, "env");

/** Above what `up` was told by its own environment. */
const GIVEN = "# It was started with these:";

/**
 * A file for `. FILE` in a shell; readable by its owner alone, because a URL may hold a password.
 * @param env that of the roles
 * @param given what of it the person who started them had set
 */
export function writeExports(path: string, exports: Exports, { env, given }: { env: Environment; given: Environment }): void {
  const ofRoles = Object.keys(COMMAND_VARIABLES).flatMap((name): [string, string][] => {
    const value = env[name] ?? "";
    if (value === "") return [];
    // The command may run in another folder.
    return [[name, /_(FILE|DIR)$/.test(name) ? resolve(value) : value]];
  });
  const isGiven = ([name]: [string, string]) => (given[name] ?? "") !== "";
  const lines = [
    "# Of the last `carillon up` in this directory.",
    ...[...Object.entries(exports), ...ofRoles.filter((entry) => !isGiven(entry))].map(exportLine),
    ...[GIVEN, ...ofRoles.filter(isGiven).map(exportLine)],
  ];
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
}

/** The environment without what the last \`up\` of the directory chose, where a terminal has read that file: its servers have ended. */
export function withoutExports(path: string, env: Environment): Environment {
  if (!existsSync(path)) return env;
  const [chosen = ""] = readFileSync(path, "utf8").split(GIVEN);
  const lines = new Set(chosen.split("\n"));
  return Object.fromEntries(Object.entries(env).filter(([name, value = ""]) => !lines.has(exportLine([name, value]))));
}

const exportLine = ([name, value]: [string, string]) => `export ${name}=${quoted(value)}`;

/** For a POSIX shell. */
export const quoted = (text: string): string => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

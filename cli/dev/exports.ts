import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
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
import { namesText } from "../../runtime/text.ts";

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
const exportsIn = (directory: string): string => join(directory, "env");

/** Where a file of exports lies that a terminal has read, and what that file set. */
const READ_FROM = "CARILLON_EXPORTS_OF";
const READ_VALUES = "CARILLON_EXPORTS";

/**
 * A file for `. FILE` in a shell; readable by its owner alone, because a URL may hold a password.
 * @param env that of the roles
 * @param given what of it the person who started them had set
 */
export function writeExports(directory: string, exports: Exports, { env, given }: { env: Environment; given: Environment }): string {
  const path = exportsIn(directory);
  const ofRoles = Object.keys(COMMAND_VARIABLES).flatMap((name): [string, string][] => {
    const value = env[name] ?? "";
    if (value === "") return [];
    // The command may run in another folder.
    return [[name, /_(FILE|DIR)$/.test(name) ? resolve(value) : value]];
  });
  const isGiven = ([name]: [string, string]) => (given[name] ?? "") !== "";
  const [own, told] = [[...Object.entries(exports), ...ofRoles.filter((entry) => !isGiven(entry))], ofRoles.filter(isGiven)];
  const marks = [...own.map((entry) => markOf(entry)), ...told.map((entry) => `${markOf(entry)}${GIVEN}`)];
  const lines = [
    "# Of the last `carillon up` in this directory.",
    ...own.map(exportLine),
    "# It was started with these:",
    ...told.map(exportLine),
    "# So that the next `carillon up` of a terminal that has read this knows which values are its own:",
    ...[exportLine([READ_FROM, resolve(directory)]), exportLine([READ_VALUES, marks.join(",")])],
  ];
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}

/** The environment that a system is to start with. */
export interface OwnEnvironment {
  env: Environment;
  /** Names of roles' variables that are left out because the system of another directory has set them, and that directory. */
  foreign: readonly string[];
  from: string;
}

/**
 * The environment without what a file of exports has put there, where a terminal has read one: of the same directory without what its last `up` chose, whose
 * servers have ended; of another directory without all that the file set, because that system is another one. What a person has set since stays.
 */
export function withoutExports(directory: string, env: Environment): OwnEnvironment {
  const from = env[READ_FROM] ?? "";
  const isOwn = from === resolve(directory);
  const marks = new Set((env[READ_VALUES] ?? "").split(","));
  const isLeftOut = ([name, value = ""]: [string, string | undefined]) => {
    const mark = markOf([name, value]);
    return name === READ_FROM || name === READ_VALUES || marks.has(mark) || (!isOwn && marks.has(`${mark}${GIVEN}`));
  };
  const entries = Object.entries(env);
  const foreign = isOwn ? [] : entries.filter(isLeftOut).flatMap(([name]) => (Object.hasOwn(COMMAND_VARIABLES, name) ? [name] : []));
  return { env: Object.fromEntries(entries.filter((entry) => !isLeftOut(entry))), foreign, from };
}

/** Follows the mark of a variable that a person had set. */
const GIVEN = "!";

/** Marks a variable and its value, without showing the value. */
const markOf = ([name, value]: [string, string]) => `${name}:${createHash("sha256").update(value).digest("hex").slice(0, 16)}`;

const exportLine = ([name, value]: [string, string]) => `export ${name}=${quoted(value)}`;

/** A text quoted for a POSIX shell. */
export const quoted = (text: string): string => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Names that are said of the variables that are left out. */
const NAMED_MAX = 3;

/** What is said of variables that are left out; none where there are none. */
export function foreignText({ foreign, from }: OwnEnvironment): string[] {
  if (foreign.length === 0) return [];
  return [`  ignores ${namesText(foreign, NAMED_MAX)}: this terminal has them from the system in ${from}`];
}

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { ACCOUNT_NAME, ACCOUNT_NAME_RULE, DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import { ConfigError, type Environment, readConfig, text, type Variables } from "../runtime/config.ts";
import { type AccountValues, isUnset, type ProviderDefinition } from "./definition.ts";
import { PROVIDERS } from "./list.ts";
import { providerVariables } from "./provider-config.ts";

export const accountsVariables = {
  PROVIDER_ACCOUNTS_DIR: text({
    default: "",
    reason:
      "directory of further provider accounts, one file each: <provider>/<account>.json or .env, holding the provider's variables; read again when it changes; empty: only the account of this environment",
  }),
};

/** Accounts of one process. Each is a file, its secrets are files, and all are read every 2 s. */
export const ACCOUNTS_MAX = 200;
const ACCOUNT_FILE = /^(.+)\.(json|env)$/;

export type AccountReading = { kind: "read"; values: AccountValues } | { kind: "faulty"; faults: readonly string[] };

export interface AccountsParts {
  directory: string;
  /** The providers this role has to do with; folders of others are left to their roles. */
  definitions: readonly ProviderDefinition[];
  /** What this role reads of an account. */
  variablesOf(definition: ProviderDefinition): Variables;
  /** Which of them may not be empty. */
  requiresOf(definition: ProviderDefinition): readonly string[];
  /** For the variables that all providers share; an account's own are never read from it. */
  env: Environment;
}

/** Every account in the directory by `<provider>/<account>`, each as read or with its faults. Never throws, and no fault holds a value. */
export function readAccounts(parts: AccountsParts): Map<string, AccountReading> {
  const readings = new Map<string, AccountReading>();
  const fault = (key: string, rule: string) => void readings.set(key, { kind: "faulty", faults: [rule] });
  for (const provider of namesIn(parts.directory) ?? []) {
    if (!PROVIDERS.some(({ name }) => name === provider)) {
      fault(provider, `is no provider; there are ${PROVIDERS.map(({ name }) => name).join(", ")}`);
      continue;
    }
    const definition = parts.definitions.find(({ name }) => name === provider);
    if (definition === undefined) continue;
    for (const file of namesIn(join(parts.directory, provider)) ?? []) {
      const account = ACCOUNT_FILE.exec(file)?.[1];
      // Secrets may lie beside the accounts that name them.
      if (account === undefined) continue;
      const key = `${provider}/${account}`;
      if (!ACCOUNT_NAME.test(account)) fault(key, `an account's name ${ACCOUNT_NAME_RULE}`);
      else if (account === DEFAULT_ACCOUNT) fault(key, "is the name of the account in the environment");
      else if (readings.has(key)) fault(key, "has two files");
      else if (readings.size >= ACCOUNTS_MAX) fault(key, `there are more than ${ACCOUNTS_MAX} accounts`);
      else readings.set(key, readAccount(parts, definition, join(parts.directory, provider, file)));
    }
  }
  return readings;
}

function readAccount({ variablesOf, requiresOf, env }: AccountsParts, definition: ProviderDefinition, path: string): AccountReading {
  const given = parseFile(path);
  if (typeof given === "string") return { kind: "faulty", faults: [given] };
  const known = { ...definition.variables, ...definition.webhook?.variables };
  const faults = Object.keys(given).flatMap((name) =>
    Object.hasOwn(known, name) ? [] : [`${shownName(name)}: is no variable of ${definition.name}`],
  );
  const shared = Object.fromEntries(Object.keys(providerVariables).map((name) => [name, env[name]]));
  // Beside the file, wherever the process runs.
  const own = Object.entries(given).map(([name, value]) => [
    name,
    name.endsWith("_FILE") && value !== "" ? resolve(path, "..", value) : value,
  ]);
  let values: AccountValues | undefined;
  try {
    values = readConfig(variablesOf(definition), { ...shared, ...Object.fromEntries(own) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(...error.faults);
  }
  if (values) faults.push(...requiresOf(definition).flatMap((name) => (isUnset(values[name]) ? [`${name}: must be set`] : [])));
  return values && faults.length === 0 ? { kind: "read", values } : { kind: "faulty", faults };
}

/** A file that holds a bare secret reads as a variable of that name, so only what looks like a variable is quoted. */
const shownName = (name: string) => (/^[A-Z][A-Z0-9]{0,15}(_[A-Z0-9]{1,15}){1,6}$/.test(name) ? name : "a name");

/** Text by name, or what is wrong. Parsers' own messages may quote a secret. */
function parseFile(path: string): Record<string, string> | string {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    return `the file cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  try {
    const fields: unknown = path.endsWith(".env") ? parseEnv(content) : JSON.parse(content);
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return "must hold a JSON object";
    const wrong = Object.entries(fields).find(([, value]) => !["string", "number", "boolean"].includes(typeof value));
    if (wrong) return `${shownName(wrong[0])}: must be text, a number, or true or false`;
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  } catch {
    return "must hold a JSON object";
  }
}

/** Sorted, without what begins with a dot: mounted Secrets keep their versions there. Undefined where there is no such directory. */
function namesIn(directory: string): string[] | undefined {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith("."))
      .sort();
  } catch {
    return undefined;
  }
}

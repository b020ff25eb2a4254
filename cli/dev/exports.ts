import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
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

/** A file for `. FILE` in a shell; readable by its owner alone, because a URL may hold a password. @param env that of the roles */
export function writeExports(path: string, exports: Exports, env: Environment): void {
  const ofRoles = Object.keys(COMMAND_VARIABLES).flatMap((name): [string, string][] => {
    const value = env[name] ?? "";
    if (value === "") return [];
    // The command may run in another folder.
    return [[name, /_(FILE|DIR)$/.test(name) ? resolve(value) : value]];
  });
  const lines = [...Object.entries(exports), ...ofRoles].map(([name, value]) => `export ${name}=${quoted(String(value))}`);
  writeFileSync(path, `# Of the last \`carillon up\` in this directory.\n${lines.join("\n")}\n`, { mode: 0o600 });
}

/** For a POSIX shell. */
export const quoted = (text: string): string => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

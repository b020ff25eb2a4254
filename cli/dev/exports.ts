import { writeFileSync } from "node:fs";
import type { RunningRole } from "../../runtime/run.ts";

/** What commands in another terminal read, to reach a system that runs here. */
export interface Exports {
  CARILLON_ADDRESS: string;
  CARILLON_API_KEY_FILE: string;
  CARILLON_HEALTH: string;
  STORE_URL: string;
  NATS_URL: string;
  REDIS_URL: string;
  WEBHOOK_KEYS_FILE: string;
}

/** The address of every role's health checks by its name, as CARILLON_HEALTH has them. */
export const healthAddresses = (roles: readonly RunningRole[]): string =>
  roles.flatMap(({ name, addresses }) => (addresses.http ? [`${name}=${addresses.http}`] : [])).join(",");

/** A file for `. FILE` in a shell; readable by its owner alone, because a URL may hold a password. */
export function writeExports(path: string, exports: Exports): void {
  const lines = Object.entries(exports).map(([name, value]) => `export ${name}=${quoted(String(value))}`);
  writeFileSync(path, `# Of the last \`carillon up\` in this directory.\n${lines.join("\n")}\n`, { mode: 0o600 });
}

/** For a POSIX shell. */
export const quoted = (text: string): string => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

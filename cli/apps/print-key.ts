import { chmodSync, closeSync, openSync, writeSync } from "node:fs";
import type { GrantedKey } from "../../operations/apps/apps.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/**
 * The key alone goes to standard output, or to a file that only its owner can read; what it is goes to standard error. The file is opened first:
 * a key that is stored and cannot be shown would be valid and in nobody's hands.
 */
export async function printKey(grant: () => Promise<GrantedKey>, out: string | undefined): Promise<void> {
  const file = out === undefined ? undefined : openPrivate(out);
  try {
    const { key, record, app } = await grant();
    if (file === undefined) process.stdout.write(`${key}\n`);
    else writeSync(file, `${key}\n`);
    const until = record.expiresAt === undefined ? "does not expire" : `expires at ${new Date(record.expiresAt).toISOString()}`;
    process.stderr.write(`key ${record.id} of app ${app.id}: shown this once, ${until}${out === undefined ? "" : `; written to ${out}`}\n`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function openPrivate(path: string): number {
  try {
    const file = openSync(path, "w", 0o600);
    // Of a file that was there before, too.
    chmodSync(path, 0o600);
    return file;
  } catch (error) {
    throw new OperatorError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}

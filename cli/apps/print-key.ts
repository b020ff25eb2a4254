import { chmodSync, closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import type { GrantedKey } from "../../operations/apps/apps.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** An app's new API key. */
export function printKey(grant: () => Promise<GrantedKey>, out: string | undefined): Promise<void> {
  return printOnce(async () => {
    const { key, record, app } = await grant();
    const until = record.expiresAt === undefined ? "does not expire" : `expires at ${new Date(record.expiresAt).toISOString()}`;
    return { secret: key, what: `key ${record.id} of app ${app.id}`, more: until };
  }, out);
}

/**
 * The secret alone goes to standard output, or to a file that only its owner can read; what it is goes to standard error. The file is opened first,
 * because a secret that is stored and cannot be shown would be valid and in nobody's hands. It keeps what it held until the new secret replaces that.
 */
export async function printOnce(
  make: () => Promise<{ secret: string; what: string; more: string }>,
  out: string | undefined,
): Promise<void> {
  using file = out === undefined ? undefined : openPrivate(out);
  const { secret, what, more } = await make();
  if (file) file.replace(`${secret}\n`);
  else process.stdout.write(`${secret}\n`);
  process.stderr.write(`${what}: shown this once, ${more}${out === undefined ? "" : `; written to ${out}`}\n`);
}

/** Opens a file that only its owner can read. Disposal closes it, and removes it where it did not exist before and nothing was written. */
function openPrivate(path: string): { replace(text: string): void } & Disposable {
  let isNew = true;
  let file: number;
  try {
    file = openNew(path) ?? openSync(path, "r+");
  } catch (error) {
    throw new OperatorError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
  return {
    replace(text) {
      if (!isNew && fstatSync(file).isFile()) {
        ftruncateSync(file, 0);
        // Others may have been able to read what was there.
        chmodSync(path, 0o600);
      }
      isNew = false;
      writeSync(file, text);
    },
    [Symbol.dispose]() {
      closeSync(file);
      if (isNew) unlinkSync(path);
    },
  };

  function openNew(name: string): number | undefined {
    try {
      return openSync(name, "wx", 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      isNew = false;
      return undefined;
    }
  }
}

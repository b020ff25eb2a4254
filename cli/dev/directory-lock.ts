import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OperatorError } from "../../runtime/operator-error.ts";

/**
 * Keeps other processes out of a directory of data until disposal, or the end of this process however it ends: the lock is the operating system's, on an empty
 * SQLite file. Throws an OperatorError where another process has it.
 */
export function lockDirectory(directory: string): Disposable {
  const database = openIn(directory);
  try {
    database.exec("begin exclusive");
  } catch {
    database.close();
    throw new OperatorError(`another carillon uses ${directory}; end it, or give this one a directory of its own by --directory`);
  }
  return { [Symbol.dispose]: () => database.close() };
}

function openIn(directory: string): DatabaseSync {
  try {
    mkdirSync(directory, { recursive: true });
    return new DatabaseSync(join(directory, "lock.sqlite"), { timeout: 0 });
  } catch (error) {
    throw new OperatorError(`${directory} cannot be used as a directory (${(error as NodeJS.ErrnoException).code})`);
  }
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

/** Those that were not disposed of yet. */
const open = new Set<string>();

/** A server that still ends may write into it meanwhile. */
const remove = (path: string) => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });

function removeAll(): void {
  for (const path of open) remove(path);
}

/** An empty directory, removed by disposal, and also where the process ends by itself or by SIGINT or SIGTERM before. */
export function temporaryDirectory(): TemporaryDirectory {
  if (open.size === 0 && process.listeners("exit").includes(removeAll) === false) {
    process.once("exit", removeAll);
    for (const [signal, number] of [["SIGINT", 2] as const, ["SIGTERM", 15] as const])
      process.once(signal, () => process.exit(128 + number));
  }
  const path = mkdtempSync(join(tmpdir(), "carillon-bench-"));
  open.add(path);
  return {
    path,
    [Symbol.dispose]() {
      open.delete(path);
      remove(path);
    },
  };
}

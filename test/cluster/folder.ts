import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one run, removed at disposal and when the process ends, unless CLUSTER_KEEP is set. */
export function openFolder(prefix: string): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const remove = () => {
    if (!process.env.CLUSTER_KEEP) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}

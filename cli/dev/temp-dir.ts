import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Exit status of what ended by Ctrl-C, as shells have it. */
export const INTERRUPTED = 130;

export interface Scratch extends Disposable {
  path: string;
}

/** A folder for one run. It holds keys, so it goes at disposal, and also when a second Ctrl-C cuts the drain short. */
export function openTempDir(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  let asked = 0;
  const insist = () => {
    asked++;
    if (asked > 1) process.exit(INTERRUPTED);
  };
  process.on("SIGINT", insist).on("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("SIGINT", insist).off("exit", remove);
      remove();
    },
  };
}

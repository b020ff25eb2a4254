import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../exit-status.ts";

export interface TempDir extends Disposable {
  path: string;
}

/** A folder for one run. It contains keys, so it is removed at disposal, and also if a second Ctrl-C interrupts the drain. */
export function openTempDir(name: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  let interrupts = 0;
  const exitOnSecond = () => {
    interrupts++;
    if (interrupts > 1) process.exit(EXIT.interrupted);
  };
  process.on("SIGINT", exitOnSecond).on("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("SIGINT", exitOnSecond).off("exit", remove);
      remove();
    },
  };
}

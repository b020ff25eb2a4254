import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const writeBeside = (path: string, text: string) => {
  const beside = `${path}.${randomUUID()}`;
  writeFileSync(beside, text, { mode: 0o600 });
  return beside;
};

/** Replaces the file atomically. */
export const replaceFile = (path: string, text: string) => renameSync(writeBeside(path, text), path);

/** The content of the file, which is first created with `make` where it is missing. If two processes create it at once, the first wins. */
export function readOrMake(path: string, make: () => string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const beside = writeBeside(path, make());
  try {
    linkSync(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(beside);
  }
  return readFileSync(path, "utf8");
}

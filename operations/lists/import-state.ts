// What an import remembers beside its file, so that one that was interrupted goes on where it was.
import { hash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { ListFormat, Place } from "./read-list.ts";
import { withFile } from "./with-file.ts";

export interface ImportCounts {
  /** Written. */
  changed: number;
  /** The store had it already. */
  unchanged: number;
  rejected: number;
}

interface ImportState {
  /** What is imported, into which app, as which format. */
  job: { list: string; app: string; format: ListFormat };
  file: FileIdentity;
  /** Everything before it is done. */
  place: Place;
  counts: ImportCounts;
  /** Length of the report of rejected records. */
  reportBytes: number;
}

interface FileIdentity {
  bytes: number;
  modifiedAt: number;
  /** Of its beginning. */
  sha256: string;
}

const HEAD_BYTES = 64 * 1_024;
const statePath = (file: string) => `${file}.import.json`;

export function identityOf(path: string): FileIdentity {
  return withFile(path, "read", () => {
    const { size, mtimeMs } = statSync(path);
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES));
    const file = openSync(path, "r");
    try {
      readSync(file, head);
    } finally {
      closeSync(file);
    }
    return { bytes: size, modifiedAt: Math.round(mtimeMs), sha256: hash("sha256", head) };
  });
}

/** Where to go on; undefined: at the beginning. Rejects what would import something twice, or leave something out. */
export function openState(path: string, job: ImportState["job"], file: FileIdentity, resume: boolean): ImportState | undefined {
  const found = readState(statePath(path));
  if (found === undefined) {
    if (resume) throw new OperatorError(`${statePath(path)} is not there: no import of this file was interrupted; leave out --resume`);
    return undefined;
  }
  if (!resume)
    throw new OperatorError(
      `an import of this file was interrupted after line ${found.place.line}: --resume goes on; remove ${statePath(path)} to begin again`,
    );
  const differs = JOB_PARTS.find((part) => found.job[part] !== job[part]);
  if (differs !== undefined) throw new OperatorError(`${statePath(path)} is of another import: ${differs} was ${found.job[differs]}`);
  if (found.file.bytes !== file.bytes || found.file.modifiedAt !== file.modifiedAt || found.file.sha256 !== file.sha256)
    throw new OperatorError(`${path} has changed since its import was interrupted; remove ${statePath(path)} to begin again`);
  return found;
}

const JOB_PARTS = ["list", "app", "format"] as const;

function readState(path: string): ImportState | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ImportState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new OperatorError(`${path} cannot be read; remove it to begin again`);
  }
}

/** Replaces the file as a whole, or not at all. */
export function saveState(path: string, state: ImportState): void {
  withFile(statePath(path), "written", () => {
    const draft = `${statePath(path)}.new`;
    writeFileSync(draft, JSON.stringify(state), { mode: 0o600, flush: true });
    renameSync(draft, statePath(path));
  });
}

export const removeState = (path: string) => rmSync(statePath(path), { force: true });

import { statfsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Danger } from "../unsafe-setting.ts";

/** `pragma synchronous` = NORMAL: the log is on disk before it is copied to the file, and the file before the log begins anew. Each transaction: log-sync.ts. */
const NORMAL = 1;

/** Numbers of statfs(2), where WAL's shared memory is not shared between hosts ("WAL does not work over a network filesystem", sqlite.org). */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4266872130: "SMB",
  4283649346: "CIFS",
  12805120: "Ceph",
  198183888: "Lustre",
  1397113167: "AFS",
  1952539503: "OCFS2",
  18225520: "GFS2",
};

export const statFileSystem = (path: string): number => statfsSync(path).type;

/** File systems on which several hosts may open one file, each with locks that only it sees. Pure. */
export function fileSystemDangers(type: number): Danger[] {
  // Signed on some platforms.
  const value = NETWORK_FILE_SYSTEMS[type >>> 0];
  if (!value) return [];
  const why = "two hosts would write the same file without seeing each other's locks, and destroy it";
  return [{ setting: "file system", value, why, fix: "use a local disk, or MongoDB for more than one host" }];
}

/** Reads the modes back: on a file system without shared memory SQLite keeps the old mode without an error. */
export function journalDangers(database: DatabaseSync): Danger[] {
  const read = (pragma: string) => database.prepare(`pragma ${pragma}`).get()?.[pragma];
  const [mode, synchronous] = [read("journal_mode"), read("synchronous")];
  const dangers: Danger[] = [];
  const fix = "use a local disk, whose file system has shared memory";
  if (mode !== "wal") dangers.push({ setting: "journal_mode", value: `${mode}`, why: "it is not WAL: readers would stop writers", fix });
  if (Number(synchronous) < NORMAL)
    dangers.push({ setting: "synchronous", value: `${synchronous}`, why: "what is accepted could be lost with the power", fix });
  return dangers;
}

import { type LogFile, openLogFile } from "../../../adapters/sqlite/log-file.ts";

/** As a flush rejects with where the disk does not take what was written. */
export const diskFault = () => Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });

/** A log that the disk takes while the file is opened, and never again. */
export function openFailingLog(path: string): LogFile {
  const file = openLogFile(path);
  let flushes = 0;
  const flush = async () => {
    if (flushes++ > 0) throw diskFault();
    await file.flush();
  };
  const flushNow = () => {
    throw diskFault();
  };
  return { ...file, flush, flushNow };
}

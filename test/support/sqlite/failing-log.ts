import { type LogFile, openLogFile } from "../../../adapters/sqlite/log-file.ts";

const fault = () => Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });

/** A log that the disk takes while the file is opened, and never again. */
export function openFailingLog(path: string): LogFile {
  const file = openLogFile(path);
  let flushes = 0;
  const flush = async () => {
    if (flushes++ > 0) throw fault();
    await file.flush();
  };
  const flushNow = () => {
    throw fault();
  };
  return { ...file, flush, flushNow };
}

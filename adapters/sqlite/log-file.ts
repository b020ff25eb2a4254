import { closeSync, fdatasync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";

/**
 * The log beside SQLite's own descriptor. SQLite takes no locks on this file, so opening and closing it does no harm. Calls throw, or reject, with the
 * operating system's error.
 */
export interface LogFile {
  /** The number of bytes read; fewer than asked for at the end only. */
  read(into: Uint8Array, position: number): number;
  write(bytes: Uint8Array, position: number): void;
  /** Resolves once all bytes that anybody wrote before are on disk. Rejects, one time, if the system failed to write any of them since this file was opened. */
  flush(): Promise<void>;
  /** The same, blocking the thread. */
  flushNow(): void;
  close(): void;
}

const flush = promisify(fdatasync);

export function openLogFile(path: string): LogFile {
  const descriptor = openSync(path, "r+");
  return {
    read: (into, position) => readSync(descriptor, into, 0, into.length, position),
    write(bytes, position) {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
    },
    flush: () => flush(descriptor),
    flushNow: () => fdatasyncSync(descriptor),
    close: () => closeSync(descriptor),
  };
}

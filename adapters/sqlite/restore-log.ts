import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../store/store-error.ts";
import type { LogFile } from "./log-file.ts";
import { createFrameCheck, FRAME_HEADER_BYTES, LOG_HEADER_BYTES } from "./log-frames.ts";
import { SQLITE_BUSY, transact } from "./transact.ts";

/** Read and written at once, while others cannot write, in frames (1 MB): 5 ms. */
const FRAMES = 256;

/**
 * Writes the log anew with what it holds, and flushes it. The disk may have failed to take a part of it, and then only the processes of that time were told: the system
 * counts that part as written, and tells no descriptor that is opened later. A power failure would lose what is appended behind such a hole. Once written anew,
 * the log is on disk, or the flush of `file` fails. That holds whoever else uses the file, and waits for no reader. A checkpoint would not do: it copies to the
 * file what stands behind the hole, and until the log begins anew a power failure would bring back older pages beside newer ones.
 *
 * Where the system could not write bytes, reading may also give back the older ones, at once (Btrfs) or after it needed the memory. Then checksums are wrong before
 * the end of the log that SQLite knows. The opening is tried again (SQLITE_BUSY) until no process is left that knows that end: then SQLite recovers the log up to
 * the hole.
 *
 * The log has at most 16 MB as a rule (database.ts). It is read and written in transactions that change nothing: nobody changes the log
 * without the write lock, which they hold. An empty log needs none.
 */
export async function restoreLog(database: DatabaseSync, file: LogFile): Promise<void> {
  const frames = file.read(new Uint8Array(1), 0) === 0 ? 0 : await rewrite(database, file);
  // Only now: SQLite before 3.51 does not know noop, and makes a checkpoint.
  const known = Number(database.prepare("pragma wal_checkpoint(noop)").get()!.log);
  if (frames < known)
    throw new StoreError("its log is damaged, or has grown meanwhile; if this stays, stop all that use it", `${SQLITE_BUSY}`);
  await file.flush();
}

/** The number of frames that are valid, and were written anew. */
async function rewrite(database: DatabaseSync, file: LogFile): Promise<number> {
  const header = new Uint8Array(LOG_HEADER_BYTES);
  const check = await transact(database, () => {
    const read = file.read(header, 0);
    file.write(header.subarray(0, read), 0);
    return createFrameCheck(header);
  });
  if (!check) return 0;
  const frameBytes = FRAME_HEADER_BYTES + check.pageBytes;
  const bytes = new Uint8Array(FRAMES * frameBytes);
  for (let frames = 0; ; ) {
    const valid = await transact(database, () => {
      const position = LOG_HEADER_BYTES + frames * frameBytes;
      const whole = Math.floor(file.read(bytes, position) / frameBytes);
      const count = check.count(bytes.subarray(0, whole * frameBytes));
      file.write(bytes.subarray(0, count * frameBytes), position);
      return count;
    });
    frames += valid;
    if (valid < FRAMES) return frames;
  }
}

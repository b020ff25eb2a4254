import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "../store/store-error.ts";
import type { LogFile } from "./log-file.ts";
import { createFrameCheck, FRAME_HEADER_BYTES, LOG_HEADER_BYTES } from "./log-frames.ts";
import { SQLITE_BUSY, tryAtOnce } from "./transact.ts";

/** Read and written at once, while others cannot write, in frames (1 MB): 5 ms. */
const FRAMES = 256;
/** Between two tries for the write lock, in ms: a transaction takes about as long. */
const TRY_EVERY_MS = 1;
/** Longest wait for the write lock, in ms, for each of these parts. */
const LOCK_MS_MAX = 5_000;

/**
 * Writes the log anew with what it holds, and flushes it. An earlier process may have been told that the disk did not take a part of it, which the system then
 * calls written: what is appended behind such a hole would be lost with the power, and no descriptor opened later is told. Written anew it is on disk, or
 * `file` is told. That holds whoever else uses the file, and waits for no reader. A checkpoint would not do: it copies to the file what stands behind the hole,
 * and until the log begins anew a power failure would bring back older pages beside newer ones.
 *
 * A system may also give back the old bytes for those that it could not write, at once (Btrfs) or once it needs the memory. Then the checksums are wrong before
 * the end that SQLite knows, and the opening is tried again (SQLITE_BUSY) until those are gone who know that end: SQLite recovers the log up to the hole then.
 *
 * The log has at most 16 MB as a rule (database.ts). It is read and written under the write lock, without which nobody changes it; an empty one needs no lock.
 */
export async function restoreLog(database: DatabaseSync, file: LogFile): Promise<void> {
  const frames = file.read(new Uint8Array(1), 0) === 0 ? 0 : await rewrite(database, file);
  // After that, because SQLite before 3.51 takes this for a checkpoint.
  const known = Number(database.prepare("pragma wal_checkpoint(noop)").get()!.log);
  if (frames < known)
    throw new StoreError("its log is damaged, or has grown meanwhile; if this stays, stop all that use it", `${SQLITE_BUSY}`);
  await file.flush();
}

/** The number of frames that are valid, and were written anew. */
async function rewrite(database: DatabaseSync, file: LogFile): Promise<number> {
  const header = new Uint8Array(LOG_HEADER_BYTES);
  const check = await locked(database, () => {
    const read = file.read(header, 0);
    file.write(header.subarray(0, read), 0);
    return createFrameCheck(header);
  });
  if (!check) return 0;
  const frameBytes = FRAME_HEADER_BYTES + check.pageBytes;
  const bytes = new Uint8Array(FRAMES * frameBytes);
  for (let frames = 0; ; ) {
    const valid = await locked(database, () => {
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

async function locked<T>(database: DatabaseSync, work: () => T): Promise<T> {
  const giveUpAt = performance.now() + LOCK_MS_MAX;
  const begin = () => {
    database.exec("begin immediate");
    return true;
  };
  while (!tryAtOnce(database, begin)) {
    if (performance.now() >= giveUpAt) throw new StoreError("database is locked", `${SQLITE_BUSY}`);
    await delay(TRY_EVERY_MS);
  }
  try {
    return work();
  } finally {
    database.exec("rollback");
  }
}

import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../store/store-error.ts";

/**
 * What a store answers is on disk, although a commit waits for no disk (synchronous=NORMAL): the log is flushed after it, outside its transaction. SQLite's own
 * wait (FULL) keeps the file's only write lock while the disk works. Six processes that insert 100 a second each, on a disk whose flushes take 5 ms: p50 went from
 * 42 to 16 ms, p90 from 170 to 48, and CPU time for each from 1.4 to 1.0 ms (medians of three pairs).
 *
 * The one rule: every answer, of a write or of a read, waits until all is on disk that its connection could see (transact() and readDurable() in transact.ts).
 * Other processes' transactions are seen before they are on disk, too, so a write that changed nothing waits as well: "it exists already" may be about one of
 * those. The log holds transactions in their order, so one flush covers all that were committed before it began, whoever made them.
 *
 * - kill -9 between commit and flush: the operating system has the bytes.
 * - Power failure before the flush: nothing of it was answered. Recovery stops at the first frame whose checksum is wrong.
 * - Checkpoint before the flush: with NORMAL, SQLite flushes the log before it copies anything to the file, and the file before the log begins anew; the new
 *   log's header is flushed before its first frame (wal.c). Where the first of these flushes fails, nothing is copied.
 * - A flush that fails: Linux takes the pages for written, and tells each descriptor that was open at that time once, SQLite's among them. Whoever has one learns
 *   of it at its own next flush, answers nothing from then on, and ends. Whoever opens the file later writes the log anew first (restore-log.ts).
 */
export interface LogSync {
  /** Undefined: all that the connection can see is on disk. Otherwise rejects with a StoreError where the disk does not take it, and from then on always. */
  onDisk(): Promise<void> | undefined;
  /** As onDisk(), and it flushes where nothing was committed either: for what was done to the log itself. */
  flush(): Promise<void> | undefined;
  /** The flush that this connection waits for; never rejects. */
  underWay(): Promise<unknown> | undefined;
  /** Why nothing more can be written. */
  fault(): StoreError | undefined;
}

/** Where none is known, the connection is SQLite's default (FULL), or in memory. */
const logs = new WeakMap<DatabaseSync, LogSync>();

/** Has the answers of this connection wait for the flush. */
export const syncLog = (database: DatabaseSync, log: LogSync): void => void logs.set(database, log);

export const onDisk = (database: DatabaseSync): Promise<void> | undefined => logs.get(database)?.onDisk();
export const flushLog = (database: DatabaseSync): Promise<void> | undefined => logs.get(database)?.flush();
export const flushUnderWay = (database: DatabaseSync): Promise<unknown> | undefined => logs.get(database)?.underWay();
export const logFault = (database: DatabaseSync): StoreError | undefined => logs.get(database)?.fault();

/** What a connection can see: the number of commits of all others that it noticed, and of the rows that it changed itself. */
export interface Seen {
  others: number;
  own: number;
}

export function createSeen(database: DatabaseSync): () => Seen {
  const others = database.prepare("pragma data_version");
  const own = database.prepare("select total_changes() as n");
  return () => ({ others: Number(others.get()!.data_version), own: Number(own.get()!.n) });
}

/**
 * One flush at a time. An answer about commits that came after the current flush began waits for the next one, which all such answers share. An answer about
 * nothing newer than the last flush waits for none.
 * @param parts.seen takes 4 us; a flush of nothing takes 50
 * @param parts.flush rejects, or throws, where the disk does not take what was written; undefined: it has been taken
 * @param parts.failed called once, when a flush has failed: the process must end, because the next one would succeed without the lost bytes
 */
export function createLogSync(parts: {
  seen: () => Seen;
  flush: () => Promise<void> | undefined;
  failed: (error: StoreError) => void;
}): LogSync {
  let flushed: Seen | undefined;
  let fault: StoreError | undefined;
  let current: { of: Seen; ended: Promise<void> } | undefined;
  let next: Promise<void> | undefined;

  /** Called in the turn of the failure, before another flush could begin: that one would succeed. */
  function failWith(error: unknown): StoreError {
    current = undefined;
    const why = error instanceof Error ? error.message : "unknown";
    fault = new StoreError(
      `SQLite: the disk did not take what was written (${why}); restart once the disk works`,
      (error as NodeJS.ErrnoException).code,
    );
    parts.failed(fault);
    return fault;
  }
  function start(): Promise<void> | undefined {
    if (fault) return Promise.reject(fault);
    const of = parts.seen();
    const end = () => {
      current = undefined;
      flushed = of;
    };
    try {
      const ended = parts.flush()?.then(end, (error: unknown) => Promise.reject(failWith(error)));
      if (ended) current = { of, ended };
      else end();
      return ended;
    } catch (error) {
      return Promise.reject(failWith(error));
    }
  }
  function startNext(): Promise<void> | undefined {
    next = undefined;
    return start();
  }
  /** One that begins from now on. */
  function flush(): Promise<void> | undefined {
    if (!current) return start();
    next ??= current.ended.then(startNext, startNext);
    return next;
  }
  return {
    onDisk() {
      if (fault) return Promise.reject(fault);
      const now = parts.seen();
      if (isSame(now, flushed)) return undefined;
      return current && isSame(now, current.of) ? current.ended : flush();
    },
    flush,
    underWay: () => current?.ended.catch(() => undefined),
    fault: () => fault,
  };
}

const isSame = (a: Seen, b: Seen | undefined) => a.others === b?.others && a.own === b.own;

import type { Clock } from "../core/ports/clock.ts";

/** Sends many small requests as few large ones. */
export interface Batcher<In, Out> {
  /** Resolves with this item's own result; rejects with BatchFullError at once when too many wait, with BatchLateError when it waited too long. */
  add(item: In): Promise<Out>;
}

export class BatchFullError extends Error {
  override name = "BatchFullError";
}

export class BatchLateError extends Error {
  override name = "BatchLateError";
}

export interface BatchLimits {
  batchMax: number;
  waitingMax: number;
  /** Batches under way at once. */
  concurrency?: number;
  /** What waited longer for its batch than this, in ms, rejects with a BatchLateError and is in none; absent: it waits for ever. */
  wait?: { maxMs: number; clock: Pick<Clock, "monotonic"> };
}

/**
 * While one batch is under way the next ones gather: no timer, so nothing waits when idle, and everything shares a round trip under load.
 * `flush` answers in the order of its items; when it rejects, every item of that batch does.
 */
export function createBatcher<In, Out>(flush: (items: readonly In[]) => Promise<readonly Out[]>, limits: BatchLimits): Batcher<In, Out> {
  interface Waiter {
    item: In;
    until: number;
    resolve: (out: Out) => void;
    reject: (error: unknown) => void;
  }
  const waiting: Waiter[] = [];
  const { concurrency = 1, wait } = limits;
  let underWay = 0;

  /** They came in the order in which their time is up. */
  const rejectLate = () => {
    const now = wait?.clock.monotonic() ?? 0;
    const late = waiting.findIndex(({ until }) => until >= now);
    for (const { reject } of waiting.splice(0, late < 0 ? waiting.length : late))
      reject(new BatchLateError("waited too long for its batch"));
  };
  const start = () => {
    while (underWay < concurrency && waiting.length > 0) {
      rejectLate();
      if (waiting.length === 0) return;
      const batch = waiting.splice(0, limits.batchMax);
      underWay++;
      flush(batch.map((w) => w.item))
        .then(
          (outs) => {
            for (const [i, w] of batch.entries()) w.resolve(outs[i]!);
          },
          (error) => {
            for (const w of batch) w.reject(error);
          },
        )
        .finally(() => {
          underWay--;
          start();
        });
    }
  };
  let scheduled = false;
  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= limits.waitingMax) return reject(new BatchFullError(`${waiting.length} already wait`));
        const until = wait ? wait.clock.monotonic() + wait.maxMs : Number.POSITIVE_INFINITY;
        waiting.push({ item, until, resolve, reject });
        // One microtask later, so that what is added in the same turn goes out together.
        if (scheduled) return;
        scheduled = true;
        queueMicrotask(() => {
          scheduled = false;
          start();
        });
      }),
  };
}

/** Sends many small requests as few large ones. */
export interface Batcher<In, Out> {
  /** Resolves with this item's own result; rejects with BatchFullError at once when too many wait. */
  add(item: In): Promise<Out>;
}

export class BatchFullError extends Error {
  override name = "BatchFullError";
}

/**
 * While one batch is under way the next ones gather: no timer, so nothing waits when idle, and everything shares a round trip under load.
 * `flush` answers in the order of its items; when it rejects, every item of that batch does.
 */
export function createBatcher<In, Out>(
  flush: (items: readonly In[]) => Promise<readonly Out[]>,
  limits: { batchMax: number; waitingMax: number; concurrency?: number },
): Batcher<In, Out> {
  interface Waiter {
    item: In;
    resolve: (out: Out) => void;
    reject: (error: unknown) => void;
  }
  const waiting: Waiter[] = [];
  const concurrency = limits.concurrency ?? 1;
  let underWay = 0;

  const start = () => {
    while (underWay < concurrency && waiting.length > 0) {
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
        waiting.push({ item, resolve, reject });
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

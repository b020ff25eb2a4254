import type { Clock } from "../../core/ports/clock.ts";

/** Why the gateway did not accept something, for people and programs. */
export interface BulkSendFault {
  /** A name of google.rpc.Code, such as INVALID_ARGUMENT. */
  code: string;
  reason: string;
  message: string;
  fields?: { field: string; rule: string; description: string }[];
}

export type BulkSendResult<Accepted> = { kind: "accepted"; accepted: Accepted } | { kind: "rejected"; error: BulkSendFault };

/** One call with several notifications: a result for each, in order; or why the call as a whole failed, with ms until a retry is useful. */
export type SendBatch<Item, Accepted> = (
  items: readonly Item[],
) => Promise<
  | { kind: "answered"; results: readonly BulkSendResult<Accepted>[] }
  | { kind: "failed"; error: BulkSendFault; retryAfterMs?: number | undefined }
>;

export interface BulkSendOptions<Item, Accepted> {
  /** Items per second; undefined: as fast as answers come. */
  rate?: number | undefined;
  /** Items per call. */
  batch: number;
  /** Called once for each item, when its result is final; not in the order of the items. */
  onResult(item: Item, result: BulkSendResult<Accepted>): void;
}

/** Calls under way at once. */
const CONCURRENCY = 4;
/** Attempts to send an item to an overloaded or unavailable gateway, with the same idempotency key, before it counts as rejected. */
const ATTEMPTS_MAX = 8;
/** Before the second attempt; before the n-th, n - 1 times as long. */
const RETRY_AFTER_MS = 500;
const RETRYABLE = ["UNAVAILABLE", "RESOURCE_EXHAUSTED"];

/**
 * Sends every item in batches; resolves to the counts when each has its result. Items need an idempotency key each: what an overloaded or
 * unavailable gateway did not confirm is sent again.
 */
export async function bulkSend<Item, Accepted>(
  items: AsyncIterable<Item> | Iterable<Item>,
  { sendBatch, clock }: { sendBatch: SendBatch<Item, Accepted>; clock: Pick<Clock, "monotonic" | "sleep"> },
  options: BulkSendOptions<Item, Accepted>,
): Promise<{ accepted: number; rejected: number }> {
  const counts = { accepted: 0, rejected: 0 };
  const underWay = new Set<Promise<void>>();
  const startedAt = clock.monotonic();
  let batch: Item[] = [];
  let sent = 0;

  const finish = (item: Item, result: BulkSendResult<Accepted>) => {
    counts[result.kind]++;
    options.onResult(item, result);
  };

  async function sendUntilFinal(batch: readonly Item[]): Promise<void> {
    let todo = batch;
    for (let attempt = 1; todo.length > 0; attempt++) {
      const answer = await sendBatch(todo);
      const again: Item[] = [];
      let waitMs = RETRY_AFTER_MS * attempt;
      if (answer.kind === "failed") waitMs = Math.max(waitMs, answer.retryAfterMs ?? 0);
      for (const [i, item] of todo.entries()) {
        const result = answer.kind === "failed" ? ({ kind: "rejected", error: answer.error } as const) : (answer.results[i] ?? NO_RESULT);
        if (attempt < ATTEMPTS_MAX && isRetryable(result, answer.kind === "failed")) again.push(item);
        else finish(item, result);
      }
      todo = again;
      if (todo.length > 0) await clock.sleep(waitMs);
    }
  }

  const flush = async () => {
    if (batch.length === 0) return;
    const full = batch;
    batch = [];
    if (options.rate !== undefined) {
      const waitMs = (sent / options.rate) * 1_000 - (clock.monotonic() - startedAt);
      if (waitMs > 0) await clock.sleep(waitMs);
    }
    sent += full.length;
    const work = sendUntilFinal(full).finally(() => underWay.delete(work));
    underWay.add(work);
    if (underWay.size >= CONCURRENCY) await Promise.race(underWay);
  };

  for await (const item of items) {
    batch.push(item);
    if (batch.length >= options.batch) await flush();
  }
  await flush();
  await Promise.all(underWay);
  return counts;
}

const NO_RESULT: { kind: "rejected"; error: BulkSendFault } = {
  kind: "rejected",
  error: { code: "INTERNAL", reason: "NO_RESULT", message: "the gateway's answer has no result for this item" },
};

/** A call that timed out may have stored its items; repeating it is safe because of the idempotency keys. */
const isRetryable = (result: BulkSendResult<unknown>, ofCall: boolean) =>
  result.kind === "rejected" && (RETRYABLE.includes(result.error.code) || (ofCall && result.error.code === "DEADLINE_EXCEEDED"));

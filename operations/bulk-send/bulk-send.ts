import type { Clock } from "../../core/ports/clock.ts";

/** Why the gateway did not accept something, for people and programs. */
export interface BulkSendFault {
  /** A name of google.rpc.Code, such as INVALID_ARGUMENT. */
  code: string;
  reason: string;
  message: string;
  fields?: { field: string; rule: string; description: string }[];
}

/** With ms until a retry of this item is useful, where the gateway named them. */
export type BulkSendResult<Accepted> =
  | { kind: "accepted"; accepted: Accepted }
  | { kind: "rejected"; error: BulkSendFault; retryAfterMs?: number | undefined };

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
  /** What an item adds to a call, in bytes, so that a call stays below CALL_BYTES_MAX; absent: 0. */
  bytesOf?: (item: Item) => number;
  /** Called once for each item, when its result is final; not in the order of the items. */
  onResult(item: Item, result: BulkSendResult<Accepted>): void;
}

/** Calls under way at once. */
const CONCURRENCY = 4;
/** Bytes of a call: half of what the gateway takes. A larger item is sent alone. */
export const CALL_BYTES_MAX = 8 * 1_024 ** 2;
/** Attempts to send an item to an unavailable gateway, with the same idempotency key, before it counts as rejected. */
const ATTEMPTS_MAX = 8;
/** Before the second attempt; before the n-th, n - 1 times as long. */
const RETRY_AFTER_MS = 500;
/**
 * How long an item is sent again that a limit rejects, from its first attempt on, and the longest wait for the next attempt: a rate limit passes
 * within it, a limit per day does not.
 */
const LIMITED_MS_MAX = 15 * 60_000;
const LIMITED_WAIT_MS_MAX = 60_000;

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
  let batchBytes = 0;
  let sent = 0;

  const finish = (item: Item, result: BulkSendResult<Accepted>) => {
    counts[result.kind]++;
    options.onResult(item, result);
  };

  async function sendUntilFinal(batch: readonly Item[]): Promise<void> {
    const began = clock.monotonic();
    let todo = batch;
    for (let attempt = 1; todo.length > 0; attempt++) {
      const answer = await sendBatch(todo);
      if (answer.kind === "failed" && isTooLarge(answer) && todo.length > 1) {
        const half = Math.ceil(todo.length / 2);
        await sendUntilFinal(todo.slice(0, half));
        return sendUntilFinal(todo.slice(half));
      }
      const again: Item[] = [];
      let waitMs = RETRY_AFTER_MS * attempt;
      for (const [i, item] of todo.entries()) {
        const result = answer.kind === "failed" ? ({ ...answer, kind: "rejected" } as const) : (answer.results[i] ?? NO_RESULT);
        const isLast = attempt >= ATTEMPTS_MAX;
        if (!isRetryable(result, { isLast, ofCall: answer.kind === "failed", elapsedMs: clock.monotonic() - began })) finish(item, result);
        else {
          again.push(item);
          if (result.kind === "rejected") waitMs = Math.max(waitMs, result.retryAfterMs ?? 0);
        }
      }
      todo = again;
      if (todo.length > 0) await clock.sleep(waitMs);
    }
  }

  const flush = async () => {
    if (batch.length === 0) return;
    const full = batch;
    [batch, batchBytes] = [[], 0];
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
    const bytes = options.bytesOf?.(item) ?? 0;
    if (batchBytes + bytes > CALL_BYTES_MAX) await flush();
    batch.push(item);
    batchBytes += bytes;
    if (batch.length >= options.batch) await flush();
  }
  await flush();
  await Promise.all(underWay);
  return counts;
}

const NO_RESULT: BulkSendResult<never> = {
  kind: "rejected",
  error: { code: "INTERNAL", reason: "NO_RESULT", message: "the gateway's answer has no result for this item" },
};

/** Larger than the gateway takes: the same call would get the same answer. A limit of time or load comes with a time to repeat it. */
const isTooLarge = ({ error, retryAfterMs }: { error: BulkSendFault; retryAfterMs?: number | undefined }) =>
  error.reason === "MESSAGE_TOO_LARGE" || (error.code === "RESOURCE_EXHAUSTED" && retryAfterMs === undefined);

/** A call that timed out may have stored its items; repeating it is safe because of the idempotency keys. */
function isRetryable(result: BulkSendResult<unknown>, at: { isLast: boolean; ofCall: boolean; elapsedMs: number }): boolean {
  if (result.kind === "accepted") return false;
  const { error, retryAfterMs } = result;
  if (error.code === "RESOURCE_EXHAUSTED")
    return retryAfterMs !== undefined && retryAfterMs <= LIMITED_WAIT_MS_MAX && at.elapsedMs + retryAfterMs <= LIMITED_MS_MAX;
  return !at.isLast && (error.code === "UNAVAILABLE" || (at.ofCall && error.code === "DEADLINE_EXCEEDED"));
}

import type { Clock } from "../core/ports/clock.ts";

export class DeadlineError extends Error {
  override name = "DeadlineError";
}

/** The work's own end, or a DeadlineError after `limitMs` or when `signal` aborts. The work itself goes on; what it may still do is not known. */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>, signal?: AbortSignal): Promise<T> {
  const ended = new AbortController();
  const limit = clock.sleep(limitMs, signal ? AbortSignal.any([ended.signal, signal]) : ended.signal).then(() => {
    throw new DeadlineError(`not within ${limitMs} ms`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    ended.abort();
  }
}

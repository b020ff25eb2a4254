import type { Clock } from "../core/ports/clock.ts";

export class DeadlineError extends Error {
  override name = "DeadlineError";
}

/** The work's own end, or a DeadlineError after `limitMs`. The work itself goes on; what it may still do is not known. */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const limit = clock.sleep(limitMs, ended.signal).then(() => {
    throw new DeadlineError(`not within ${limitMs} ms`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    ended.abort();
  }
}

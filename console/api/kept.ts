// Readings of the store that many people share.
import type { Clock } from "../../core/ports/clock.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Session } from "../session.ts";

/** How old an answer may be that is given to the next who asks, in ms: a count reads up to 100,000 notifications. */
const FRESH_MS = 2_000;
/** For how long who asks waits for a reading, in ms: nearly all take less. */
const WAIT_MS = 1_000;

/** What was read, and how the last reading failed. */
export interface Kept<T> {
  value: T | undefined;
  /** Empty: it did not. */
  fault: string;
}

/**
 * Reads again, once at a time, when somebody asks and `everyMs` have passed since the last reading, or `times` as long as that one took, whichever is longer: so
 * it takes at most one part in `times` of the store's time. Who asks gets the new value, or after WAIT_MS the one before.
 */
export function keep<T>(
  read: () => Promise<T>,
  { everyMs, times }: { everyMs: number; times: number },
  clock: Pick<Clock, "monotonic" | "sleep">,
): () => Promise<Kept<T>> {
  const kept: Kept<T> = { value: undefined, fault: "" };
  let nextAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  function begin(): Promise<void> {
    const began = clock.monotonic();
    return read()
      .then(
        (value) => void Object.assign(kept, { value, fault: "" }),
        (error: unknown) => void Object.assign(kept, { fault: faultOf(error) }),
      )
      .finally(() => {
        reading = undefined;
        const now = clock.monotonic();
        nextAt = now + Math.max(everyMs, times * (now - began));
      });
  }
  return async () => {
    if (clock.monotonic() >= nextAt) reading ??= begin();
    if (reading !== undefined) {
      const over = new AbortController();
      await Promise.race([reading, clock.sleep(WAIT_MS, over.signal)]);
      over.abort();
    }
    return { ...kept };
  };
}

/** The fault as everybody who is signed in may see it: the text of any error but an operator's may hold what was read. */
const faultOf = (error: unknown): string =>
  error instanceof OperatorError ? error.message : `an error of ours (${error instanceof Error ? error.name : "error"})`;

export interface Shared<T> {
  read(): Promise<T>;
  /** Who asks from now on gets what is read from now on: somebody has just changed it. */
  renew(): void;
}

/** The same, as each person who asks may see it. */
export interface Viewed<T> {
  view(session: Session): Promise<T>;
  renew(): void;
}

/** One reading for all who ask within FRESH_MS. One that fails is not kept. */
export function shared<T>(read: () => Promise<T>, clock: Pick<Clock, "monotonic">): Shared<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return {
    read() {
      const at = clock.monotonic();
      if (last !== undefined && at - last.at <= FRESH_MS) return last.answer;
      const own = { at, answer: read() };
      last = own;
      own.answer.catch(() => {
        if (last === own) last = undefined;
      });
      return own.answer;
    },
    renew: () => {
      last = undefined;
    },
  };
}

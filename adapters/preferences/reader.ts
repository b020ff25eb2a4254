import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/ports/clock.ts";
import { BatchFullError, BatchLateError, createBatcher } from "../../runtime/batch.ts";
import { StoreError } from "../store/store-error.ts";

/** What was read is used for so long, in ms, from before the read: a change holds for what is sent later. */
export const READ_LIFE_MS = 2_000;
/** What is remembered, also that something is not there: 5 MB of profiles. */
const KNOWN_MAX = 20_000;
/** Keys of one read. */
const READ_MAX = 200;
/** More than the in-flight limit of a pod, or what a relay leases at once, can ever be. */
const WAITING_MAX = 20_000;
/** Longest from the request to the answer, in ms: after it nothing was read. */
const READ_MS_MAX = 2_000;

/** Undefined: there is none. Rejects with a StoreError where it cannot be read. */
export type Reader<T> = (app: string, key: string) => Promise<T | undefined>;

/**
 * Reads what a store has by app and key, as it was at most READ_LIFE_MS ago. What is asked for in one event-loop turn is one read for each app.
 * @param find those of these keys that exist, each with its key
 */
export function createReader<T>(
  find: (app: string, keys: readonly string[]) => Promise<readonly (readonly [key: string, value: T])[]>,
  clock: Pick<Clock, "monotonic" | "nextTurn">,
): Reader<T> {
  const known = new LRUCache<string, { at: number; value: Promise<T | undefined> }>({ max: KNOWN_MAX });

  const reads = createBatcher(
    async (asked: readonly { app: string; key: string }[]) => {
      const byApp = [...Map.groupBy(asked, ({ app }) => app)];
      const found = await Promise.all(
        byApp.map(async ([app, of]) => [app, new Map(await find(app, [...new Set(of.map(({ key }) => key))]))] as const),
      );
      const ofApps = new Map(found);
      return asked.map(({ app, key }) => ofApps.get(app)?.get(key));
    },
    { batchMax: READ_MAX, waitingMax: WAITING_MAX, concurrency: 2, waitMaxMs: READ_MS_MAX },
    clock,
  );

  async function read(app: string, key: string): Promise<T | undefined> {
    const began = clock.monotonic();
    try {
      const value = await reads.add({ app, key });
      if (clock.monotonic() - began <= READ_MS_MAX) return value;
    } catch (error) {
      if (!(error instanceof BatchFullError || error instanceof BatchLateError)) throw error;
    }
    throw new StoreError("not read in time");
  }

  return (app, key) => {
    // No app's id has a space.
    const name = `${app} ${key}`;
    const now = clock.monotonic();
    const before = known.get(name);
    if (before && now - before.at <= READ_LIFE_MS) return before.value;
    // Whoever asks meanwhile shares the read.
    const entry = { at: now, value: read(app, key) };
    known.set(name, entry);
    entry.value.catch(() => known.get(name) === entry && known.delete(name));
    return entry.value;
  };
}

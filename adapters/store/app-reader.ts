import { LRUCache } from "lru-cache";
import type { AppRecord } from "../../core/apps/app.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { StoreError } from "./store-error.ts";

/** An app's record is read again after this, in ms: a change takes effect as soon as one of its limits. */
export const APP_LIFE_MS = 5_000;
/** Apps of which a part is remembered: 1 MB of accounts, and 10 MB where each has ten categories with a cap. */
const APPS_MAX = 10_000;

/** Longest wait for a read, in ms; after it the read rejects as if the store were unavailable. */
const READ_MS_MAX = 2_000;

const tooLate = (): never => {
  throw new StoreError("an app's record was not read in time");
};

/** A part of apps' records, at most APP_LIFE_MS old. Rejects with the store's error where they cannot be read. @param pick small: `max` of it are kept */
export function createAppReader<Part>(
  apps: Pick<AppStore, "find">,
  clock: Pick<Clock, "monotonic" | "after">,
  pick: (app: AppRecord | undefined) => Part,
  max = APPS_MAX,
): (app: string) => Promise<Part> {
  const known = new LRUCache<string, { at: number; part: Promise<Part> }>({ max });
  return (id) => {
    const before = known.get(id);
    const now = clock.monotonic();
    if (before && now - before.at <= APP_LIFE_MS) return before.part;
    // Callers that arrive meanwhile share the read.
    const part = withDeadline(apps.find(id), { limitMs: READ_MS_MAX, clock }, tooLate).then(pick);
    const entry = { at: now, part };
    known.set(id, entry);
    part.catch(() => known.get(id) === entry && known.delete(id));
    return part;
  };
}

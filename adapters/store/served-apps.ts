import { LRUCache } from "lru-cache";
import { type AppAccounts, NO_ACCOUNTS } from "../../core/apps/accounts.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Category } from "../../core/preferences/category.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { StoreError } from "./store-error.ts";

/** An app is read again after this, in ms: a change takes effect as soon as one of its limits. */
export const APP_LIFE_MS = 5_000;
/** Apps that are remembered: 1 MB, and 10 MB where each has ten categories with a cap. */
const APPS_MAX = 10_000;
/** Longest that a task waits for the read, in ms: after it the task returns to the queue, as where the store is unavailable. */
const READ_MS_MAX = 2_000;

/** What sending for an app needs to know of its record. */
export interface ServedApp {
  accounts: AppAccounts;
  /** Those that have a cap, or are sent in quiet hours, by name. */
  timedCategories: ReadonlyMap<string, Category>;
}

export type ServedApps = (app: string) => Promise<ServedApp>;

const tooLate = (): never => {
  throw new StoreError("an app was not read in time");
};

/** An app as it was at most APP_LIFE_MS ago. Rejects with the store's error where it cannot be read. */
export function createServedApps(apps: Pick<AppStore, "find">, clock: Pick<Clock, "monotonic" | "after">): ServedApps {
  const known = new LRUCache<string, { at: number; app: Promise<ServedApp> }>({ max: APPS_MAX });

  async function read(id: string): Promise<ServedApp> {
    const { accounts = NO_ACCOUNTS, categories = [] } = (await withDeadline(apps.find(id), { limitMs: READ_MS_MAX, clock }, tooLate)) ?? {};
    const timed = categories.filter(({ cap, quietHours }) => cap !== undefined || quietHours !== undefined);
    return { accounts, timedCategories: new Map(timed.map((category) => [category.name, category])) };
  }

  return (id) => {
    const before = known.get(id);
    const now = clock.monotonic();
    if (before && now - before.at <= APP_LIFE_MS) return before.app;
    // Tasks that arrive meanwhile share the read.
    const entry = { at: now, app: read(id) };
    known.set(id, entry);
    entry.app.catch(() => known.get(id) === entry && known.delete(id));
    return entry.app;
  };
}

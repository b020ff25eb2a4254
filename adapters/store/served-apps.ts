import { type AppAccounts, NO_ACCOUNTS } from "../../core/apps/accounts.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Category } from "../../core/preferences/category.ts";
import { createAppReader } from "./app-reader.ts";

/** What sending for an app needs to know of its record. */
export interface ServedApp {
  accounts: AppAccounts;
  /** Those that have a cap, or are sent in quiet hours, by name. */
  timedCategories: ReadonlyMap<string, Category>;
}

export type ServedApps = (app: string) => Promise<ServedApp>;

/** At most APP_LIFE_MS old; rejects with the store's error (createAppReader()). */
export const createServedApps = (apps: Pick<AppStore, "find">, clock: Pick<Clock, "monotonic" | "after">): ServedApps =>
  createAppReader(apps, clock, (app) => {
    const timed = (app?.categories ?? []).filter(({ cap, quietHours }) => cap !== undefined || quietHours !== undefined);
    return { accounts: app?.accounts ?? NO_ACCOUNTS, timedCategories: new Map(timed.map((category) => [category.name, category])) };
  });

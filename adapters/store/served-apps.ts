import { type AppAccounts, NO_ACCOUNTS } from "../../core/apps/accounts.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Category } from "../../core/preferences/category.ts";
import { createAppReader } from "./app-reader.ts";

/** What sending needs to know of a category. */
export type ServedCategory = Pick<Category, "cap" | "quietHours" | "default" | "unsubscribeTransactional">;

/** What sending for an app needs to know of its record. */
export interface ServedApp {
  accounts: AppAccounts;
  /** By name. A category that has none of these settings is left out: sending treats its notifications like those without a category. */
  categories: ReadonlyMap<string, ServedCategory>;
}

export type ServedApps = (app: string) => Promise<ServedApp>;

/** At most APP_LIFE_MS old; rejects with the store's error (createAppReader()). */
export const createServedApps = (apps: Pick<AppStore, "find">, clock: Pick<Clock, "monotonic" | "after">): ServedApps =>
  createAppReader(apps, clock, (app) => ({ accounts: app?.accounts ?? NO_ACCOUNTS, categories: categoriesOf(app?.categories ?? []) }));

/** Without the labels, which are most of their size. */
function categoriesOf(categories: readonly Category[]): ServedApp["categories"] {
  const served = categories.filter(
    (c) => c.cap !== undefined || c.quietHours !== undefined || c.default === "required" || c.unsubscribeTransactional,
  );
  return new Map(
    served.map(({ name, cap, quietHours, default: own, unsubscribeTransactional }) => [
      name,
      { cap, quietHours, default: own, unsubscribeTransactional },
    ]),
  );
}

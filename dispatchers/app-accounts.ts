import { LRUCache } from "lru-cache";
import { StoreError } from "../adapters/store/store-error.ts";
import { type AppAccounts, NO_ACCOUNTS } from "../core/apps/accounts.ts";
import type { AppStore } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";

/** An app's accounts are read again after this, in ms: a change takes effect as soon as one of its limits. */
export const ACCOUNTS_LIFE_MS = 5_000;
/** Apps whose accounts are remembered: 1 MB. */
const APPS_MAX = 10_000;

/** Longest that a task waits for the read, in ms: after it the task returns to the queue, as where the store is unavailable. */
const READ_MS_MAX = 2_000;

const tooLate = (): never => {
  throw new StoreError("an app's accounts were not read in time");
};

/** The accounts that serve an app, at most ACCOUNTS_LIFE_MS old. Rejects with the store's error where they cannot be read. */
export function createAppAccounts(
  apps: Pick<AppStore, "find">,
  clock: Pick<Clock, "monotonic" | "after">,
): (app: string) => Promise<AppAccounts> {
  const known = new LRUCache<string, { at: number; accounts: Promise<AppAccounts> }>({ max: APPS_MAX });
  return (id) => {
    const before = known.get(id);
    const now = clock.monotonic();
    if (before && now - before.at <= ACCOUNTS_LIFE_MS) return before.accounts;
    // Tasks that arrive meanwhile share the read.
    const accounts = withDeadline(apps.find(id), { limitMs: READ_MS_MAX, clock }, tooLate).then((app) => app?.accounts ?? NO_ACCOUNTS);
    const entry = { at: now, accounts };
    known.set(id, entry);
    accounts.catch(() => known.get(id) === entry && known.delete(id));
    return accounts;
  };
}

import type { Clock } from "../core/ports/clock.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import { type Batcher, createBatcher } from "../runtime/batch.ts";

/**
 * Users read at once, and such reads at once: with a hundred endpoints of 4 kB each they are 40 MB at most, whatever callers send. Calls that arrive together
 * share a read.
 */
const READ = { batchMax: 50, concurrency: 2 };
/** As long as an insert may wait: half of a call's longest duration. */
const READ_WAIT_MS = 5_000;

export interface UserOfApp {
  app: string;
  userId: string;
  /** The app's turn takes this many users. */
  weight: number;
}

/** Reads the registered endpoints of users, of each app in turn. */
export const createEndpointsOf = (
  contacts: Pick<ContactStore, "list">,
  waitingMax: number,
  clock: Pick<Clock, "monotonic" | "nextTurn">,
): Batcher<UserOfApp, ContactRecord[]> =>
  createBatcher(
    async (users: readonly UserOfApp[]) => {
      const byApp = Map.groupBy(users, ({ app }) => app);
      const found = await Promise.all(
        [...byApp].map(async ([app, ofApp]) => {
          const records = await contacts.list(app, [...new Set(ofApp.map(({ userId }) => userId))]);
          return [app, Map.groupBy(records, ({ userId }) => userId)] as const;
        }),
      );
      const byAppAndUser = new Map(found);
      return users.map(({ app, userId }) => byAppAndUser.get(app)?.get(userId) ?? []);
    },
    { ...READ, waitingMax, waitMaxMs: READ_WAIT_MS },
    clock,
    { laneOf: ({ app }) => app, weightOf: ({ weight }) => weight },
  );

import { StoreError } from "../adapters/store/store-error.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import { type Batcher, BatchFullError, BatchLateError, createBatcher } from "../runtime/batch.ts";

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

/** Endpoints whose owners are read at once: most have one, a shared mailbox up to a hundred. */
const OWNERS_READ = { batchMax: 200, concurrency: 2 };

type EndpointOfApp = Pick<ContactRecord, "app" | "endpointId">;

/** ContactStore.find(), of each app in turn. Calls that arrive together share a read; each would otherwise make one of its own. */
export function createOwnersOf(
  contacts: Pick<ContactStore, "find">,
  waitingMax: number,
  clock: Pick<Clock, "monotonic" | "nextTurn">,
): Pick<ContactStore, "find"> {
  const nameOf = ({ app, endpointId }: EndpointOfApp) => `${endpointId} ${app}`;
  const batcher = createBatcher(
    async (endpoints: readonly EndpointOfApp[]) => {
      const distinct = new Map(endpoints.map((endpoint) => [nameOf(endpoint), endpoint]));
      const found = Map.groupBy(await contacts.find([...distinct.values()]), nameOf);
      return endpoints.map((endpoint) => found.get(nameOf(endpoint)) ?? []);
    },
    { ...OWNERS_READ, waitingMax, waitMaxMs: READ_WAIT_MS },
    clock,
    { laneOf: ({ app }) => app },
  );
  return {
    async find(endpoints) {
      try {
        return (await Promise.all(endpoints.map((endpoint) => batcher.add(endpoint)))).flat();
      } catch (error) {
        const isWait = error instanceof BatchFullError || error instanceof BatchLateError;
        throw isWait ? new StoreError("too many reads of contacts wait") : error;
      }
    },
  };
}

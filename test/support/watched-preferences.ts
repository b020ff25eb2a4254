import type { PreferenceStore } from "../../core/ports/preference-store.ts";

/** A store that records its calls, with switches to make it unavailable or slow. */
export interface WatchedPreferences {
  store: PreferenceStore;
  /** Subjects that find() was called with. */
  found: string[];
  /** Every method rejects while true. */
  away: boolean;
  /** find() and changedSince() return only once this resolves. */
  heldFind: Promise<void> | undefined;
  heldChanges: Promise<void> | undefined;
}

export function watchPreferences(real: PreferenceStore): WatchedPreferences {
  const reachable = () => {
    if (watched.away) throw new Error("the store is away");
  };
  const watched: WatchedPreferences = {
    found: [],
    away: false,
    heldFind: undefined,
    heldChanges: undefined,
    store: {
      async find(app, subjects) {
        reachable();
        watched.found.push(...subjects);
        const records = await real.find(app, subjects);
        await watched.heldFind;
        return records;
      },
      async update(...change) {
        reachable();
        return real.update(...change);
      },
      async history(...of) {
        reachable();
        return real.history(...of);
      },
      remove: real.remove,
      removeHistory: real.removeHistory,
      purgeHistory: real.purgeHistory,
      async *changedSince(updatedAt) {
        reachable();
        await watched.heldChanges;
        yield* real.changedSince(updatedAt);
      },
    },
  };
  return watched;
}

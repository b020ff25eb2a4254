import type { Redis } from "ioredis";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { OptOutAnswer, OptOutQuestion, OptOuts } from "../../core/ports/opt-outs.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { ProfileStore } from "../../core/ports/profile-store.ts";
import { createBatcher } from "../../runtime/batch.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createPreferences, type Preferences } from "./preferences.ts";
import { READER_CACHE_SUBJECTS } from "./process-cache.ts";

const LIMITS = {
  /** Questions of one read: about a millisecond of Redis' only thread. */
  batchMax: 500,
  /** Waiting questions; beyond it the answer is "unknown" at once. */
  waitingMax: 20_000,
  /** Concurrent reads. */
  concurrency: 4,
  /** The store is given 800 ms after that; callers use an answer for 2 s. */
  waitMaxMs: 1_000,
};

/** `forget`: where this process has an answer of before a change that it knows of. `preferences`: for changes that this process makes. */
export type ReadOptOuts = OptOuts & Pick<Preferences, "forget"> & { preferences: Pick<Preferences, "get" | "update"> };

/**
 * Reads opt-outs in this process: from its cache, Redis, or the store, as the preferences service does. It leaves rebuilding Redis' sets to that
 * service. The questions of one event-loop turn are one command.
 */
export function createOptOutReader(deps: {
  store: PreferenceStore;
  apps: Pick<AppStore, "find">;
  profiles: Pick<ProfileStore, "find">;
  redis: Redis;
  clock: Clock;
  log: Logger;
  buckets?: number;
}): ReadOptOuts & AsyncDisposable {
  const preferences = createPreferences({ ...deps, rebuilds: false, cachedMax: READER_CACHE_SUBJECTS });
  const batcher = createBatcher<OptOutQuestion, OptOutAnswer>((questions) => preferences.check(questions), LIMITS, deps.clock, {
    laneOf: ({ app }) => app,
  });
  const ask = (question: OptOutQuestion): Promise<OptOutAnswer> => batcher.add(question).catch(() => "unknown");
  return {
    forget: preferences.forget,
    preferences,
    check: (questions) => Promise.all(questions.map(ask)),
    [Symbol.asyncDispose]: () => preferences[Symbol.asyncDispose](),
  };
}

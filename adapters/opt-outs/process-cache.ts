import { LRUCache } from "lru-cache";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { PreferenceState } from "../../core/preferences/change.ts";
import { OPT_OUT_BOUND } from "../../core/preferences/opt-out-bound.ts";

/** How long an entry is used. */
export const CACHE_MS = OPT_OUT_BOUND.cacheMs;
/** Subjects in the cache: about 30 MB, and more than are asked about within CACHE_MS. */
const CACHE_SUBJECTS = 100_000;
/** The same for a gateway or dispatcher, which asks for its own calls alone: about 3 MB. */
export const READER_CACHE_SUBJECTS = 10_000;

/** What one subject, a user or an endpoint, chose that is about this channel and category. */
export interface SubjectQuestion {
  app: string;
  subject: string;
  channel: Channel;
  category: string;
  /** Whether consents count: the category is opted out by default. */
  consents: boolean;
}

/** "none": it refused nothing that is about this, and nothing blocks it; whether it consented is not known. "consented": it did, too. */
export type SubjectReading = PreferenceState | "none" | "consented";

/** All that is known of a subject (read from the store), or of pairs of channel and category that it did not refuse (read from Redis). */
type Known = { kind: "all"; state: PreferenceState } | { kind: "some"; pairs: Map<string, "none" | "consented"> };

/**
 * Writes what was read into the cache. It is opened before reading, because the data may change in the meantime: a subject that is dropped
 * while a fill is open is not written by that fill.
 */
export interface Fill extends Disposable {
  all(app: string, subject: string, state: PreferenceState): void;
  some(question: SubjectQuestion, reading: "none" | "consented"): void;
}

export interface ProcessCache {
  /** Undefined if the cache does not know. */
  find(question: SubjectQuestion): SubjectReading | undefined;
  openFill(): Fill;
  drop(app: string, subject: string): void;
  dropAll(): void;
}

const keyOf = (app: string, subject: string) => `${app}\0${subject}`;
const pairOf = (q: SubjectQuestion) => `${q.channel}\0${q.category}`;

export function createProcessCache(clock: Clock, subjectsMax = CACHE_SUBJECTS): ProcessCache {
  const known = new LRUCache<string, Known>({
    max: subjectsMax,
    ttl: CACHE_MS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() },
  });
  const open = new Set<{ dropped: Set<string>; droppedAll: boolean }>();

  return {
    find(q) {
      const found = known.get(keyOf(q.app, q.subject));
      if (!found) return undefined;
      if (found.kind === "all") return found.state;
      return found.pairs.get(pairOf(q));
    },
    openFill() {
      const state = { dropped: new Set<string>(), droppedAll: false };
      // An entry is as old as the start of the read.
      const start = clock.monotonic();
      open.add(state);
      const put = (key: string, value: Known) => {
        if (!state.droppedAll && !state.dropped.has(key)) known.set(key, value, { start });
      };
      return {
        all: (app, subject, state) => put(keyOf(app, subject), { kind: "all", state }),
        some(q, reading) {
          const key = keyOf(q.app, q.subject);
          const before = known.get(key);
          // The pairs of an entry share its age, so a new pair does not renew it.
          if (before?.kind === "some" && !state.droppedAll && !state.dropped.has(key)) before.pairs.set(pairOf(q), reading);
          else if (!before) put(key, { kind: "some", pairs: new Map([[pairOf(q), reading]]) });
        },
        [Symbol.dispose]: () => {
          open.delete(state);
        },
      };
    },
    drop(app, subject) {
      const key = keyOf(app, subject);
      known.delete(key);
      for (const fill of open) fill.dropped.add(key);
    },
    dropAll() {
      known.clear();
      for (const fill of open) fill.droppedAll = true;
    },
  };
}

import { LRUCache } from "lru-cache";
import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import { isOptedOut, type OptOut } from "../core/preferences/opt-out.ts";

/** How long what was read is believed. Part of the 5 s within which an opt-out is obeyed; TRUST_MS has the sum. */
export const CACHE_MS = 1_000;
/** Subjects held: about 30 MB, and more than are asked about within CACHE_MS. */
const CACHE_SUBJECTS = 100_000;

export interface CacheQuestion {
  app: string;
  subject: string;
  channel: Channel;
  category: string;
}

/** What is known of a subject: all it opts out (from the store), or only what it does not opt out (from Redis). */
type Known = { kind: "all"; optOuts: readonly OptOut[] } | { kind: "allowed"; pairs: Set<string> };

/**
 * Reading takes time, and what is read may change meanwhile: a fill is opened before reading, and what is dropped while it is open
 * is not filled in by it.
 */
export interface Fill extends Disposable {
  all(app: string, subject: string, optOuts: readonly OptOut[]): void;
  allowed(question: CacheQuestion): void;
}

export interface OptOutCache {
  /** Undefined when it is not known. */
  isOptedOut(question: CacheQuestion): boolean | undefined;
  openFill(): Fill;
  drop(app: string, subject: string): void;
  dropAll(): void;
}

const keyOf = (app: string, subject: string) => `${app}\0${subject}`;
const pairOf = (q: CacheQuestion) => `${q.channel}\0${q.category}`;

export function createOptOutCache(clock: Clock): OptOutCache {
  const known = new LRUCache<string, Known>({
    max: CACHE_SUBJECTS,
    ttl: CACHE_MS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() },
  });
  const open = new Set<{ dropped: Set<string>; droppedAll: boolean }>();

  return {
    isOptedOut(q) {
      const found = known.get(keyOf(q.app, q.subject));
      if (!found) return undefined;
      if (found.kind === "all") return isOptedOut(found.optOuts, q.channel, q.category);
      return found.pairs.has(pairOf(q)) ? false : undefined;
    },
    openFill() {
      const state = { dropped: new Set<string>(), droppedAll: false };
      // It is as old as the beginning of the reading.
      const start = clock.monotonic();
      open.add(state);
      const put = (key: string, value: Known) => {
        if (!state.droppedAll && !state.dropped.has(key)) known.set(key, value, { start });
      };
      return {
        all: (app, subject, optOuts) => put(keyOf(app, subject), { kind: "all", optOuts }),
        allowed(q) {
          const key = keyOf(q.app, q.subject);
          const before = known.get(key);
          // One more pair is not younger than those beside it, so their common age stays.
          if (before?.kind === "allowed" && !state.droppedAll && !state.dropped.has(key)) before.pairs.add(pairOf(q));
          else if (!before) put(key, { kind: "allowed", pairs: new Set([pairOf(q)]) });
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

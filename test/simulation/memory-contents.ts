import type { ContentStore, StoredContent } from "../../core/ports/content-store.ts";
import { frozen } from "./frozen.ts";

/** Synchronous access to the stored state, for checks between two events. */
export interface ContentsInside {
  has(app: string, hash: string): boolean;
  /** Whether a purge would remove any. */
  areOld(before: number): boolean;
}

export function createMemoryContents(): ContentStore & { inside: ContentsInside } {
  const contents = new Map<string, StoredContent>();
  const keyOf = (app: string, hash: string) => `${hash} ${app}`;
  return {
    inside: {
      has: (app, hash) => contents.has(keyOf(app, hash)),
      areOld: (before) => [...contents.values()].some((c) => c.keepUntil < before),
    },

    async put(all) {
      for (const stored of all) {
        const before = contents.get(keyOf(stored.app, stored.hash));
        const keepUntil = Math.max(before?.keepUntil ?? 0, stored.keepUntil);
        contents.set(keyOf(stored.app, stored.hash), frozen({ ...stored, content: before?.content ?? stored.content, keepUntil }));
      }
    },
    get: async (app, hash) => contents.get(keyOf(app, hash))?.content,
    async purge(before, limit) {
      const old = [...contents].filter(([, { keepUntil }]) => keepUntil < before).sort(([, a], [, b]) => a.keepUntil - b.keepUntil);
      const removed = old.slice(0, Math.max(0, limit));
      for (const [key] of removed) contents.delete(key);
      return removed.length;
    },
  };
}

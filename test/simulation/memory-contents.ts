import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { ContentStore, StoredContent } from "../../core/ports/content-store.ts";
import { frozen } from "./frozen.ts";

/** Synchronous access to the stored state, for checks between two events. */
export interface ContentsInside {
  has(app: string, hash: string): boolean;
  /** Whether a purge would remove any. */
  areOld(before: number): boolean;
}

/** @param isReferred whether a notification refers to it */
export function createMemoryContents(
  isReferred: (app: string, hash: string) => boolean = () => false,
): ContentStore & { inside: ContentsInside; release(app: string, hash: string, until: number): void } {
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
      let removed = 0;
      for (const [key, content] of old.slice(0, Math.max(0, limit))) {
        if (isReferred(content.app, content.hash)) contents.set(key, frozen({ ...content, keepUntil: before + REFERRED_KEEP_MS }));
        else if (contents.delete(key)) removed++;
      }
      return removed;
    },
    release(app, hash, until) {
      const content = contents.get(keyOf(app, hash));
      if (content) contents.set(keyOf(app, hash), frozen({ ...content, keepUntil: Math.min(content.keepUntil, until) }));
    },
  };
}

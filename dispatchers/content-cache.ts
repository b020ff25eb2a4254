import type { Content } from "../core/content/content.ts";
import type { ContentStore } from "../core/ports/content-store.ts";

export interface ContentCacheLimits {
  bytesMax: number;
  itemsMax: number;
}

/** 32 of the largest e-mails, or one campaign and much else; the items' bound keeps the map's own cost below a few hundred KiB. */
export const CONTENT_CACHE: ContentCacheLimits = { bytesMax: 16 * 1_048_576, itemsMax: 1_000 };

export interface ContentCache {
  /** From memory, else from the store; undefined where the store has none. Rejects where the store cannot be read. */
  get(app: string, hash: string): Promise<Content | undefined>;
}

/** Least recently used contents go first. An address never means another content, so nothing in here is ever stale. */
export function createContentCache(contents: Pick<ContentStore, "get">, limits: ContentCacheLimits = CONTENT_CACHE): ContentCache {
  const kept = new Map<string, { content: Content; bytes: number }>();
  /** Reads under way, so that tasks with the same content share one. */
  const reading = new Map<string, Promise<Content | undefined>>();
  let bytes = 0;

  function keep(key: string, content: Content): void {
    const size = Buffer.byteLength(JSON.stringify(content));
    kept.set(key, { content, bytes: size });
    bytes += size;
    for (const [oldest, entry] of kept) {
      if (bytes <= limits.bytesMax && kept.size <= limits.itemsMax) return;
      kept.delete(oldest);
      bytes -= entry.bytes;
    }
  }

  async function read(key: string, app: string, hash: string): Promise<Content | undefined> {
    try {
      const content = await contents.get(app, hash);
      if (content) keep(key, content);
      return content;
    } finally {
      reading.delete(key);
    }
  }

  function shared(key: string, app: string, hash: string): Promise<Content | undefined> {
    const underWay = reading.get(key) ?? read(key, app, hash);
    reading.set(key, underWay);
    return underWay;
  }

  return {
    get(app, hash) {
      const key = `${hash} ${app}`;
      const entry = kept.get(key);
      if (entry) {
        // Last in the order of insertion is the most recently used.
        kept.delete(key);
        kept.set(key, entry);
        return Promise.resolve(entry.content);
      }
      const underWay = reading.get(key);
      // That read may have begun before the content was written which this task needs.
      return underWay ? underWay.then((content) => content ?? shared(key, app, hash)) : shared(key, app, hash);
    },
  };
}

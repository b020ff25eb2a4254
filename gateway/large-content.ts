import { type ContentBounds, contentKeepUntil, splitContent } from "../core/content/reference.ts";
import { smsSizeOf } from "../core/content/sms-content.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { StoredContent } from "../core/ports/content-store.ts";
import { sha256Hex } from "../runtime/hash.ts";

/** A notification about to be stored, and the contents that must be in the store before it. */
export interface Insertion {
  record: NotificationRecord;
  contents: StoredContent[];
}

/** Takes the large parts out of the record; it refers to them by hash. */
export function takeOutLarge(record: NotificationRecord, bounds: ContentBounds): Insertion {
  const { sms } = record.content;
  const { inline, hashes, richApart, large } = splitContent(record.content, bounds.inlineBytesMax, sha256Hex);
  if (hashes === undefined) return { record, contents: [] };
  const keepUntil = contentKeepUntil(record.expiresAt, bounds);
  return {
    record: {
      ...record,
      content: inline,
      contentHashes: hashes,
      ...(richApart ? { richApart } : {}),
      ...(sms && hashes.sms !== undefined ? { smsSizeApart: smsSizeOf(sms) } : {}),
    },
    contents: large.map(({ hash, content }) => ({ app: record.app, hash, content, keepUntil })),
  };
}

/** Each content once, kept for as long as any of the notifications needs it: a batch often carries one content many times. */
export function distinctContents(insertions: readonly Insertion[]): StoredContent[] {
  const byKey = new Map<string, StoredContent>();
  for (const content of insertions.flatMap((insertion) => insertion.contents)) {
    const key = `${content.hash} ${content.app}`;
    const keepUntil = Math.max(content.keepUntil, byKey.get(key)?.keepUntil ?? 0);
    byKey.set(key, { ...content, keepUntil });
  }
  return [...byKey.values()];
}

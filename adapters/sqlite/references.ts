import type { DatabaseSync } from "node:sqlite";
import { RELEASE_MS } from "../../core/content/reference.ts";
import { type References, referencesOf } from "../../core/delivery/content-deletion.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";

/** Of a notification that is about to be inserted: what it refers to, by app and address. */
export interface ReferenceRow {
  notification: string;
  app: string;
  address: string;
}

export const referenceRows = (record: NotificationRecord): ReferenceRow[] => {
  const { contents, blobs } = referencesOf(record);
  return [...contents, ...blobs].map((address) => ({ notification: record.id, app: record.app, address }));
};

/**
 * Which notifications refer to a large content or a blob. Contents and blobs share a table, because both addresses are SHA-256. For use within a
 * transaction.
 */
export function createReferences(database: DatabaseSync) {
  const insert = database.prepare("insert into content_references (app, address, notification) values (?, ?, ?) on conflict do nothing");
  const remove = database.prepare("delete from content_references where app = ? and address = ? and notification = ?");
  const any = database.prepare("select 1 from content_references where app = ? and address = ? limit 1");
  const releaseContent = database.prepare("update contents set keep_until = min(keep_until, :until) where app = :app and hash = :address");
  const releaseBlob = database.prepare("update blobs set keep_until = min(keep_until, :until) where app = :app and id = :address");

  // What processes of an earlier version insert has no recipient, and may refer to anything, until the file is opened again (schema.ts).
  const unknown = database.prepare("select 1 from notifications where recipient is null limit 1");
  const isReferred = (app: string, address: string) => any.get(app, address) !== undefined || unknown.get() !== undefined;
  return {
    add({ app, address, notification }: ReferenceRow): void {
      insert.run(app, address, notification);
    },
    isReferred,
    /**
     * Removes what the notification refers to from the table.
     * @param release of what nothing refers to now, keepUntil moves back to RELEASE_MS after this moment
     * @returns how many contents and blobs were released
     */
    drop({ id, app, ...record }: NotificationRecord, release: { contents?: number; blobs?: number }): { contents: number; blobs: number } {
      const { contents, blobs }: References = referencesOf(record);
      const freed = (addresses: readonly string[]) =>
        addresses.filter((address) => remove.run(app, address, id).changes > 0 && !isReferred(app, address));
      const released = { contents: 0, blobs: 0 };
      const [free, freeBlobs] = [freed(contents), freed(blobs)];
      if (release.contents !== undefined)
        for (const address of free)
          released.contents += Number(releaseContent.run({ app, address, until: release.contents + RELEASE_MS }).changes);
      if (release.blobs !== undefined)
        for (const address of freeBlobs)
          released.blobs += Number(releaseBlob.run({ app, address, until: release.blobs + RELEASE_MS }).changes);
      return released;
    },
  };
}

import type { DatabaseSync } from "node:sqlite";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { tagTexts } from "../../core/delivery/search.ts";

/** One tag of a notification that is about to be inserted. */
export interface TagRow {
  notification: string;
  app: string;
  acceptedAt: number;
  /** key=value. */
  tag: string;
}

export const tagRows = (record: NotificationRecord): TagRow[] =>
  tagTexts(record).map((tag) => ({ notification: record.id, app: record.app, acceptedAt: record.acceptedAt, tag }));

/** Which notifications have a tag, in the order of acceptance. For use within a transaction. */
export function createTags(database: DatabaseSync) {
  const insert = database.prepare(
    "insert into notification_tags (app, tag, accepted_at, notification) values (?, ?, ?, ?) on conflict do nothing",
  );
  const remove = database.prepare("delete from notification_tags where app = ? and tag = ? and accepted_at = ? and notification = ?");
  return {
    add({ app, tag, acceptedAt, notification }: TagRow): void {
      insert.run(app, tag, acceptedAt, notification);
    },
    /** Removes those of a notification. */
    drop(record: NotificationRecord): void {
      for (const { app, tag, acceptedAt, notification } of tagRows(record)) remove.run(app, tag, acceptedAt, notification);
    },
  };
}

import type { DatabaseSync } from "node:sqlite";
import { withoutContent } from "../../core/delivery/content-deletion.ts";
import type { EndedBefore, PurgeCounts, Store } from "../../core/ports/store.ts";
import { notificationOf } from "./notification-of.ts";
import { createReferences } from "./references.ts";
import { createTags } from "./tags.ts";
import { transact } from "./transact.ts";

/** What a relay removes of notifications whose time is over, each call one transaction: a notification is never seen without its attempts. */
export interface PurgeWrites {
  purge(ended: EndedBefore, limit: number): Promise<PurgeCounts>;
  deleteContent: Store["deleteContent"];
}

export function createPurgeWrites(database: DatabaseSync): PurgeWrites {
  const ended = database.prepare(`
    select doc, ended_at from notifications indexed by notifications_retention
    where app = :app and class = :notificationClass and content_gone = :gone and ended_at < :before and ended_at is not null
    order by ended_at limit :limit`);
  const replace = database.prepare("update notifications set content_gone = 1, doc = ? where id = ?");
  const references = createReferences(database);
  const tags = createTags(database);
  const removeNotification = database.prepare("delete from notifications where id = ?");
  // A hyphen follows the notification's id; a tilde sorts behind it.
  const removeAttempts = database.prepare("delete from attempts where id >= ? || '-' and id < ? || '~'");
  const removeAttributions = database.prepare("delete from attributions where attempt >= ? || '-' and attempt < ? || '~'");

  const timed = <T>(work: () => T): Promise<T & { workMs: number }> =>
    transact(database, () => {
      const began = performance.now();
      const result = work();
      return { ...result, workMs: performance.now() - began };
    });

  return {
    purge: (of, limit) =>
      timed(() => {
        // A negative limit would be none.
        const most = Math.max(0, limit);
        const bare = ended.all({ ...of, gone: 1, limit: most });
        const rows = [...bare, ...ended.all({ ...of, gone: 0, limit: most - bare.length })];
        const counts: PurgeCounts = { notifications: 0, attempts: 0, attributions: 0, ...oldestOf(rows) };
        for (const row of rows) {
          const record = notificationOf(row);
          references.drop(record, {});
          tags.drop(record);
          counts.attributions += Number(removeAttributions.run(record.id, record.id).changes);
          counts.attempts += Number(removeAttempts.run(record.id, record.id).changes);
          counts.notifications += Number(removeNotification.run(record.id).changes);
        }
        return counts;
      }),
    deleteContent: (of, now, limit) =>
      timed(() => {
        const rows = ended.all({ ...of, gone: 0, limit: Math.max(0, limit) });
        for (const row of rows) {
          const record = notificationOf(row);
          references.drop(record, { contents: now });
          replace.run(JSON.stringify(withoutContent(record, now)), record.id);
        }
        return { notifications: rows.length, ...oldestOf(rows) };
      }),
  };
}

function oldestOf(rows: readonly Record<string, unknown>[]): Pick<PurgeCounts, "oldest"> {
  const first = rows.reduce((least, row) => Math.min(least, Number(row.ended_at)), Number.POSITIVE_INFINITY);
  return rows.length > 0 ? { oldest: first } : {};
}

import type { DatabaseSync } from "node:sqlite";
import type { PurgeCounts } from "../../core/ports/store.ts";
import { transact } from "./transact.ts";

/** What a purge removes of the tables of this file, in one transaction: a notification is never seen without its attempts. */
export function createPurge(database: DatabaseSync): (before: number, limit: number) => Promise<Omit<PurgeCounts, "contents" | "blobs">> {
  const ended = database.prepare("select id from notifications where ended_at < ? order by ended_at limit ?");
  const removeNotification = database.prepare("delete from notifications where id = ?");
  // A hyphen follows the notification's id; a tilde sorts behind it.
  const removeAttempts = database.prepare("delete from attempts where id >= ? || '-' and id < ? || '~'");
  const removeAttributions = database.prepare("delete from attributions where attempt >= ? || '-' and attempt < ? || '~'");
  const removePoison = database.prepare(`
    delete from poison where rowid in (select rowid from poison where kept_at < ? order by kept_at, id limit ?)`);

  return (before, limit) =>
    transact(database, () => {
      const counts = { notifications: 0, attempts: 0, attributions: 0, poison: Number(removePoison.run(before, limit).changes) };
      for (const { id } of ended.all(before, limit)) {
        counts.attributions += Number(removeAttributions.run(String(id), String(id)).changes);
        counts.attempts += Number(removeAttempts.run(String(id), String(id)).changes);
        counts.notifications += Number(removeNotification.run(String(id)).changes);
      }
      return counts;
    });
}

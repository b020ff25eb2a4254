import type { DatabaseSync } from "node:sqlite";
import type { Content } from "../../core/content/content.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import { asStoreError, transact } from "./transact.ts";

export function createContentStore(database: DatabaseSync): ContentStore {
  const putOne = database.prepare(`
    insert into contents (app, hash, keep_until, doc) values (?, ?, ?, ?)
    on conflict (app, hash) do update set keep_until = excluded.keep_until where excluded.keep_until > keep_until`);
  const findOne = database.prepare("select doc from contents where app = ? and hash = ?");
  const removeOld = database.prepare(`
    delete from contents where rowid in (select rowid from contents where keep_until < ? order by keep_until limit ?)`);

  return {
    put: async (contents) =>
      transact(database, () => {
        for (const { app, hash, keepUntil, content } of contents) putOne.run(app, hash, keepUntil, JSON.stringify(content));
      }),

    get: async (app, hash) =>
      asStoreError(() => {
        const row = findOne.get(app, hash);
        return row && (JSON.parse(String(row.doc)) as Content);
      }),

    // A negative limit would be none.
    purge: async (before, limit) => transact(database, () => Number(removeOld.run(before, Math.max(0, limit)).changes)),
  };
}

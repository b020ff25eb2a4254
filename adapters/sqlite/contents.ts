import type { DatabaseSync } from "node:sqlite";
import type { Content } from "../../core/content/content.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import { asStoreError, transact } from "./transact.ts";
import type { Writes } from "./writes.ts";

export function createContentStore(database: DatabaseSync, writes: Pick<Writes, "put">): ContentStore {
  const findOne = database.prepare("select doc from contents where app = ? and hash = ?");
  const removeOld = database.prepare(`
    delete from contents where rowid in (select rowid from contents where keep_until < ? order by keep_until limit ?)`);

  return {
    put: writes.put,

    get: async (app, hash) =>
      asStoreError(() => {
        const row = findOne.get(app, hash);
        return row && (JSON.parse(String(row.doc)) as Content);
      }),

    // A negative limit would be none.
    purge: async (before, limit) => transact(database, () => Number(removeOld.run(before, Math.max(0, limit)).changes)),
  };
}

import type { DatabaseSync } from "node:sqlite";
import type { Content } from "../../core/content/content.ts";
import { REFERRED_KEEP_MS } from "../../core/content/reference.ts";
import type { ContentStore } from "../../core/ports/content-store.ts";
import { createReferences } from "./references.ts";
import { readDurable, transact } from "./transact.ts";
import type { Writes } from "./writes.ts";

export function createContentStore(database: DatabaseSync, writes: Pick<Writes, "put">): ContentStore {
  const findOne = database.prepare("select doc from contents where app = ? and hash = ?");
  const old = database.prepare("select app, hash from contents where keep_until < ? order by keep_until limit ?");
  const remove = database.prepare("delete from contents where app = ? and hash = ?");
  const keep = database.prepare("update contents set keep_until = ? where app = ? and hash = ?");
  const { isReferred } = createReferences(database);

  return {
    put: writes.put,

    get: async (app, hash) =>
      readDurable(database, () => {
        const row = findOne.get(app, hash);
        return row && (JSON.parse(String(row.doc)) as Content);
      }),

    purge: (before, limit) =>
      transact(database, () => {
        let removed = 0;
        // A negative limit would be none.
        for (const row of old.all(before, Math.max(0, limit))) {
          const [app, hash] = [String(row.app), String(row.hash)];
          if (isReferred(app, hash)) keep.run(before + REFERRED_KEEP_MS, app, hash);
          else removed += Number(remove.run(app, hash).changes);
        }
        return removed;
      }),
  };
}

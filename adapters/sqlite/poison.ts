import type { DatabaseSync } from "node:sqlite";
import type { PoisonRecord, PoisonStore } from "../../core/ports/poison-store.ts";
import { readDurable, transact } from "./transact.ts";

/** The bytes have a column of their own, because JSON cannot hold them. */
type PoisonDoc = Omit<PoisonRecord, "bytes">;

const decode = ({ doc, bytes }: Record<string, unknown>): PoisonRecord => ({
  ...(JSON.parse(String(doc)) as PoisonDoc),
  bytes: bytes as Uint8Array,
});

export function createPoisonStore(database: DatabaseSync): PoisonStore {
  const put = database.prepare("insert into poison (id, kept_at, bytes, doc) values (?, ?, ?, ?) on conflict do nothing");
  const newest = database.prepare("select doc, bytes from poison order by kept_at desc, id desc limit ?");
  const removeOld = database.prepare(`
    delete from poison where rowid in (select rowid from poison where kept_at < ? order by kept_at, id limit ?)`);

  return {
    keep: async ({ bytes, ...doc }) =>
      transact(database, () => {
        put.run(doc.id, doc.keptAt, bytes, JSON.stringify(doc satisfies PoisonDoc));
      }),
    // A negative limit would be none.
    list: async (limit) => readDurable(database, () => newest.all(Math.max(0, limit)).map(decode)),
    purge: (before, limit) => transact(database, () => Number(removeOld.run(before, Math.max(0, limit)).changes)),
  };
}

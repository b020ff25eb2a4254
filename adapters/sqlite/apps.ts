import type { DatabaseSync } from "node:sqlite";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { readApp, type StoredApp, writeApp } from "../store/stored-app.ts";
import { readDurable, transact } from "./transact.ts";

/** Apps read at once by list(), in rows. */
const PAGE_ROWS = 500;

const parse = (row: Record<string, unknown>) => readApp(JSON.parse(String(row.doc)) as StoredApp);

export function createAppStore(database: DatabaseSync): AppStore {
  const put = database.prepare("insert or replace into apps (id, doc) values (?, ?)");
  const forgetKeys = database.prepare("delete from app_keys where app = ?");
  const putKey = database.prepare("insert or ignore into app_keys (key_hash, app) values (?, ?)");
  const byId = database.prepare("select doc from apps where id = ?");
  const byKey = database.prepare("select doc from apps join app_keys on app_keys.app = apps.id where key_hash = ? limit 1");
  const page = database.prepare(`select id, doc from apps where id > ? order by id limit ${PAGE_ROWS}`);

  const find = (id: string) => {
    const row = byId.get(id);
    return row && parse(row);
  };

  return {
    find: async (id) => readDurable(database, () => find(id)),

    findByKeyHash: async (keyHash) =>
      readDurable(database, () => {
        const row = byKey.get(keyHash);
        return row && parse(row);
      }),

    async *list() {
      for (let after = ""; ; ) {
        const rows = await readDurable(database, () => page.all(after));
        for (const row of rows) yield parse(row);
        if (rows.length < PAGE_ROWS) return;
        after = String(rows.at(-1)!.id);
      }
    },

    change: async (id, edit) =>
      transact(database, () => {
        const before = find(id);
        const app: AppRecord = { ...edit(before), id, version: (before?.version ?? 0) + 1 };
        put.run(id, JSON.stringify(writeApp(app)));
        forgetKeys.run(id);
        for (const { hash } of app.keys) putKey.run(hash, id);
        return app;
      }),
  };
}

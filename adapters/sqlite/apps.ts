import type { DatabaseSync } from "node:sqlite";
import type { AppRecord, AppStore } from "../../core/ports/app-store.ts";
import { asStoreError, transact } from "./transact.ts";

export function createAppStore(database: DatabaseSync): AppStore {
  const put = database.prepare("insert or replace into apps (id, doc) values (?, ?)");
  const forgetKeys = database.prepare("delete from app_keys where app = ?");
  const putKey = database.prepare("insert or ignore into app_keys (key_hash, app) values (?, ?)");
  const byId = database.prepare("select doc from apps where id = ?");
  const byKey = database.prepare("select doc from apps join app_keys on app_keys.app = apps.id where key_hash = ? limit 1");

  const parse = (row: Record<string, unknown> | undefined) => (row ? (JSON.parse(String(row.doc)) as AppRecord) : undefined);

  return {
    put: async (app) =>
      transact(database, () => {
        put.run(app.id, JSON.stringify(app));
        forgetKeys.run(app.id);
        for (const keyHash of app.keyHashes) putKey.run(keyHash, app.id);
      }),
    find: async (id) => asStoreError(() => parse(byId.get(id))),
    findByKeyHash: async (keyHash) => asStoreError(() => parse(byKey.get(keyHash))),
  };
}

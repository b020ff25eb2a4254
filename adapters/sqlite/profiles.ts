import type { DatabaseSync } from "node:sqlite";
import type { ProfileStore } from "../../core/ports/profile-store.ts";
import type { ProfileRecord } from "../../core/preferences/profile.ts";
import { readDurable, transact } from "./transact.ts";

export function createProfileStore(database: DatabaseSync): ProfileStore {
  const findOne = database.prepare("select doc from profiles where app = ? and user_id = ?");
  const write = database.prepare("insert or replace into profiles (app, user_id, doc) values (?, ?, ?)");
  const removeOne = database.prepare("delete from profiles where app = ? and user_id = ?");

  const find = (app: string, userId: string) => {
    const row = findOne.get(app, userId);
    return row && (JSON.parse(String(row.doc)) as ProfileRecord);
  };

  return {
    find: async (app, userIds) => readDurable(database, () => [...new Set(userIds)].flatMap((userId) => find(app, userId) ?? [])),

    put: async (app, userId, profile, now) =>
      transact(database, () => {
        const record: ProfileRecord = { app, userId, profile, version: (find(app, userId)?.version ?? 0) + 1, updatedAt: now };
        write.run(app, userId, JSON.stringify(record));
        return record;
      }),

    remove: async (app, userId, ifVersion) =>
      transact(database, () => {
        if (ifVersion !== undefined && find(app, userId)?.version !== ifVersion) return false;
        return removeOne.run(app, userId).changes === 1;
      }),
  };
}

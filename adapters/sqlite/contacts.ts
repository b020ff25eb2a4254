import type { DatabaseSync } from "node:sqlite";
import type { ContactRecord, ContactStore } from "../../core/ports/contact-store.ts";
import { asStoreError } from "./transact.ts";
import type { Writes } from "./writes.ts";

export function createContactStore(database: DatabaseSync, writes: Pick<Writes, "register" | "remove" | "removeGone">): ContactStore {
  const ofUsers = database.prepare(`
    select doc from contacts where app = ? and user_id in (select value from json_each(?)) order by registered_at, endpoint_id`);
  const ofEndpoints = database.prepare(`
    select doc from contacts
    where (app, endpoint_id) in (select value ->> '$.app', value ->> '$.endpointId' from json_each(?)) order by registered_at, endpoint_id`);
  const read = (rows: readonly Record<string, unknown>[]) => rows.map((row) => JSON.parse(String(row.doc)) as ContactRecord);

  return {
    register: writes.register,
    remove: writes.remove,
    removeGone: writes.removeGone,
    list: async (app, userIds) => asStoreError(() => read(ofUsers.all(app, JSON.stringify(userIds)))),
    find: async (endpoints) => asStoreError(() => read(ofEndpoints.all(JSON.stringify(endpoints)))),
  };
}

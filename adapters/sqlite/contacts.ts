import type { DatabaseSync } from "node:sqlite";
import type { ContactRecord, ContactStore } from "../../core/ports/contact-store.ts";
import { readDurable, readToDecide } from "./transact.ts";
import type { Writes } from "./writes.ts";

/** Contacts read at once by all(), in rows. */
const PAGE_ROWS = 500;

export function createContactStore(database: DatabaseSync, writes: Pick<Writes, "register" | "remove" | "removeGone">): ContactStore {
  const ofUsers = database.prepare(`
    select doc from contacts where app = ? and user_id in (select value from json_each(?)) order by registered_at, endpoint_id`);
  const ofEndpoints = database.prepare(`
    select doc from contacts
    where (app, endpoint_id) in (select value ->> '$.app', value ->> '$.endpointId' from json_each(?)) order by registered_at, endpoint_id`);
  const page = database.prepare(`
    select endpoint_id, user_id, doc from contacts where app = ? and (endpoint_id, user_id) > (?, ?)
    order by endpoint_id, user_id limit ${PAGE_ROWS}`);
  const read = (rows: readonly Record<string, unknown>[]) => rows.map((row) => JSON.parse(String(row.doc)) as ContactRecord);

  return {
    register: writes.register,
    remove: writes.remove,
    removeGone: writes.removeGone,
    list: async (app, userIds) => readDurable(database, () => read(ofUsers.all(app, JSON.stringify(userIds)))),
    async *all(app) {
      for (let after = ["", ""]; ; ) {
        const rows = await readDurable(database, () => page.all(app, ...after));
        yield* read(rows);
        const last = rows.at(-1);
        if (!last || rows.length < PAGE_ROWS) return;
        after = [String(last.endpoint_id), String(last.user_id)];
      }
    },
    find: async (endpoints) => readToDecide(() => read(ofEndpoints.all(JSON.stringify(endpoints)))),
  };
}

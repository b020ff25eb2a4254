import type { DatabaseSync } from "node:sqlite";
import type { ContactRecord, ContactStore } from "../../core/ports/contact-store.ts";
import { asStoreError, transact } from "./transact.ts";

export function createContactStore(database: DatabaseSync): ContactStore {
  const put = database.prepare("insert or replace into contacts (app, endpoint_id, user_id, registered_at, doc) values (?, ?, ?, ?, ?)");
  const remove = database.prepare("delete from contacts where app = ? and endpoint_id = ? and user_id = ?");
  const removeGone = database.prepare("delete from contacts where app = ? and endpoint_id = ? and registered_at <= ?");
  const ofUsers = database.prepare(`
    select doc from contacts where app = ? and user_id in (select value from json_each(?)) order by registered_at, endpoint_id`);

  return {
    register: async (contact) =>
      transact(database, () => {
        put.run(contact.app, contact.endpointId, contact.userId, contact.registeredAt, JSON.stringify(contact));
      }),
    remove: async (app, userId, endpointId) => transact(database, () => remove.run(app, endpointId, userId).changes === 1),
    removeGone: async (app, endpointId, goneAt) => transact(database, () => removeGone.run(app, endpointId, goneAt).changes === 1),
    list: async (app, userIds) =>
      asStoreError(() => ofUsers.all(app, JSON.stringify(userIds)).map((row) => JSON.parse(String(row.doc)) as ContactRecord)),
  };
}

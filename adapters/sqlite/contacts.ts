import type { DatabaseSync } from "node:sqlite";
import { type ContactRecord, type ContactStore, hasOneUser } from "../../core/ports/contact-store.ts";
import { asStoreError, transact } from "./transact.ts";

export function createContactStore(database: DatabaseSync): ContactStore {
  const put = database.prepare("insert or replace into contacts (app, endpoint_id, user_id, registered_at, doc) values (?, ?, ?, ?, ?)");
  const take = database.prepare("delete from contacts where app = ? and endpoint_id = ? and user_id <> ?");
  const remove = database.prepare("delete from contacts where app = ? and endpoint_id = ? and user_id = ?");
  const removeGone = database.prepare(`
    delete from contacts where app = ? and endpoint_id = ? and (registered_at <= ? or doc ->> '$.goneReportedAt' < ?)`);
  const keepReport = database.prepare(`
    update contacts set doc = json_set(doc, '$.goneReportedAt', ?)
    where app = ? and endpoint_id = ? and registered_at < ? and doc ->> '$.goneReportedAt' is null`);
  const ofUsers = database.prepare(`
    select doc from contacts where app = ? and user_id in (select value from json_each(?)) order by registered_at, endpoint_id`);
  const ofEndpoints = database.prepare(`
    select doc from contacts
    where (app, endpoint_id) in (select value ->> '$.app', value ->> '$.endpointId' from json_each(?)) order by registered_at, endpoint_id`);
  const read = (rows: readonly Record<string, unknown>[]) => rows.map((row) => JSON.parse(String(row.doc)) as ContactRecord);

  return {
    register: async (contact) =>
      transact(database, () => {
        const { app, endpointId, userId, registeredAt, endpoint } = contact;
        if (hasOneUser(endpoint.channel)) take.run(app, endpointId, userId);
        put.run(app, endpointId, userId, registeredAt, JSON.stringify(contact));
      }),
    remove: async (app, userId, endpointId) => transact(database, () => remove.run(app, endpointId, userId).changes === 1),
    removeGone: async (app, endpointId, { goneAt, startedAt, answeredAt }) =>
      transact(database, () => {
        const { changes } = removeGone.run(app, endpointId, goneAt, startedAt);
        keepReport.run(answeredAt, app, endpointId, startedAt);
        return Number(changes) > 0;
      }),
    list: async (app, userIds) => asStoreError(() => read(ofUsers.all(app, JSON.stringify(userIds)))),
    find: async (endpoints) => asStoreError(() => read(ofEndpoints.all(JSON.stringify(endpoints)))),
  };
}

import type { DatabaseSync } from "node:sqlite";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { listenersOf } from "../../core/webhooks/event.ts";
import type { StoredChange } from "../store/stored.ts";
import { readDurable, transact } from "./transact.ts";

const parse = (row: Record<string, unknown>) => JSON.parse(String(row.doc)) as WebhookEndpoint[];

/** An app without endpoints has no row. */
const createEndpoints = (database: DatabaseSync) => {
  const find = database.prepare("select doc from webhook_endpoints where app = ?");
  return (app: string): WebhookEndpoint[] => {
    const row = find.get(app);
    return row ? parse(row) : [];
  };
};

/** What a change of preferences writes for webhooks, in its own transaction. */
export function createWebhookEvents(database: DatabaseSync) {
  const endpointsOf = createEndpoints(database);
  const add = database.prepare(
    "insert into webhook_events (app, subject, version, endpoint, at, due, tries, doc) values (?, ?, ?, ?, ?, ?, 0, ?)",
  );
  const remove = database.prepare("delete from webhook_events where app = ? and subject = ?");
  return {
    /** @param doc the change as it is stored */
    add({ app, subject, version, at }: ChangeEntry, doc: string): void {
      for (const endpoint of listenersOf(endpointsOf(app), subject)) add.run(app, subject, version, endpoint, at, at, doc);
    },
    remove: (app: string, subject: string): void => void remove.run(app, subject),
  };
}

export function createWebhookStore(database: DatabaseSync): WebhookStore {
  const endpointsOf = createEndpoints(database);
  const all = database.prepare("select app, doc from webhook_endpoints order by app");
  const put = database.prepare("insert or replace into webhook_endpoints (app, doc) values (?, ?)");
  const drop = database.prepare("delete from webhook_endpoints where app = ?");

  const due = database.prepare("select * from webhook_events where app = ? and endpoint = ? and due <= ? order by due limit ?");
  const one = "app = ? and subject = ? and version = ? and endpoint = ?";
  const postpone = database.prepare(`update webhook_events set due = ?, tries = ? where ${one}`);
  const end = database.prepare(`delete from webhook_events where ${one}`);
  const forget = database.prepare("delete from webhook_events where app = ? and endpoint = ?");
  const purge = database.prepare(
    "delete from webhook_events where rowid in (select rowid from webhook_events where at < ? order by at limit ?)",
  );
  const oldest = database.prepare("select min(at) as at from webhook_events");

  return {
    find: async (app) => readDurable(database, () => endpointsOf(app)),

    async *list() {
      for (const row of await readDurable(database, () => all.all())) yield { app: String(row.app), endpoints: parse(row) };
    },

    change: (app, edit) =>
      transact(database, () => {
        const endpoints = edit(endpointsOf(app));
        if (endpoints.length > 0) put.run(app, JSON.stringify(endpoints));
        else drop.run(app);
        return endpoints;
      }),

    due: async (app, endpoint, now, limit) =>
      readDurable(database, () =>
        due.all(app, endpoint, now, Math.max(0, limit)).map((row) => ({
          change: { app, subject: String(row.subject), ...(JSON.parse(String(row.doc)) as StoredChange) },
          ...{ endpoint, due: Number(row.due), tries: Number(row.tries) },
        })),
      ),

    postpone: ({ change, endpoint }, to) =>
      transact(database, () => void postpone.run(to.due, to.tries, change.app, change.subject, change.version, endpoint)),

    end: ({ change, endpoint }) => transact(database, () => void end.run(change.app, change.subject, change.version, endpoint)),

    forget: (app, endpoint) => transact(database, () => Number(forget.run(app, endpoint).changes)),

    // A negative limit would be none.
    purge: (before, limit) => transact(database, () => Number(purge.run(before, Math.max(0, limit)).changes)),

    oldest: async () =>
      readDurable(database, () => {
        const at = oldest.get()?.at;
        return at === null || at === undefined ? undefined : Number(at);
      }),

    // Both are written in one transaction.
    recover: async () => 0,
  };
}

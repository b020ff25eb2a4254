import type { DatabaseSync } from "node:sqlite";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { applyChange, isOutdated } from "../../core/preferences/change.ts";
import { noPreferences } from "../../core/preferences/opt-out.ts";
import { readPreference, type StoredChange, type StoredPreference, storedPreference, writeChange } from "../store/stored.ts";
import { readDurable, transact } from "./transact.ts";
import { createWebhookEvents } from "./webhooks.ts";

/** Records read at once by changedSince(), in rows. */
const PAGE_ROWS = 500;

const parse = (row: Record<string, unknown>) => readPreference(JSON.parse(String(row.doc)) as StoredPreference);

export function createPreferenceStore(database: DatabaseSync): PreferenceStore {
  const events = createWebhookEvents(database);
  const findOne = database.prepare("select doc from preferences where app = ? and subject = ?");
  const put = database.prepare("insert or replace into preferences (app, subject, updated_at, doc) values (?, ?, ?, ?)");
  const keep = database.prepare("insert into preference_changes (app, subject, version, doc) values (?, ?, ?, ?)");
  const before = database.prepare(
    "select doc from preference_changes where app = ? and subject = ? and version < ? order by version desc limit ?",
  );
  const page = database.prepare(`
    select updated_at, app, subject, doc from preferences where (updated_at, app, subject) > (?, ?, ?)
    order by updated_at, app, subject limit ${PAGE_ROWS}`);

  const remove = database.prepare("delete from preferences where app = ? and subject = ?");
  const removeChanges = database.prepare("delete from preference_changes where app = ? and subject = ?");
  const removeOld = database.prepare(`
    delete from preference_changes where (app, subject, version) in (
      select app, subject, version from preference_changes where doc ->> '$.at' < ? order by doc ->> '$.at' limit ?)`);

  const floorOf = database.prepare("select version from preference_floors where app = ?");
  const raiseFloor = database.prepare(`
    insert into preference_floors (app, version) values (?, ?)
    on conflict (app) do update set version = max(version, excluded.version)`);

  const find = (app: string, subject: string) => {
    const row = findOne.get(app, subject);
    return row && parse(row);
  };

  return {
    find: async (app, subjects) => readDurable(database, () => [...new Set(subjects)].flatMap((subject) => find(app, subject) ?? [])),

    update: async (app, subject, change, now) =>
      transact(database, () => {
        const found = find(app, subject);
        if (isOutdated(change, found)) return { ...(found ?? noPreferences(app, subject)), outdated: true as const };
        const record = applyChange(found, { app, subject, change, now, floor: found ? undefined : Number(floorOf.get(app)?.version ?? 0) });
        if (!record) return { ...(found ?? noPreferences(app, subject)), tooMany: true as const };
        put.run(app, subject, now, JSON.stringify(storedPreference(record)));
        const doc = JSON.stringify(writeChange(record.lastChange));
        keep.run(app, subject, record.version, doc);
        events.add(record.lastChange, doc);
        return record;
      }),

    history: async (app, subject, beforeVersion, limit) =>
      readDurable(database, () => {
        const rows = before.all(app, subject, beforeVersion, Math.max(0, limit));
        return rows.map(({ doc }) => ({ app, subject, ...(JSON.parse(String(doc)) as StoredChange) }));
      }),

    remove: (app, subject, ifVersion) =>
      transact(database, () => {
        const found = find(app, subject);
        if (ifVersion !== undefined && found?.version !== ifVersion) return false;
        if (found) raiseFloor.run(app, found.version);
        removeChanges.run(app, subject);
        events.remove(app, subject);
        return Number(remove.run(app, subject).changes) > 0;
      }),

    removeHistory: (app, subject) =>
      transact(database, () => {
        events.remove(app, subject);
        return Number(removeChanges.run(app, subject).changes);
      }),

    // A negative limit would be none.
    purgeHistory: (moment, limit) => transact(database, () => Number(removeOld.run(moment, Math.max(0, limit)).changes)),

    async *changedSince(updatedAt) {
      // No app and no subject are the smallest key there is, so this begins with the first record at `updatedAt`.
      let after: [number, string, string] = [updatedAt, "", ""];
      for (;;) {
        const rows = await readDurable(database, () => page.all(...after));
        for (const row of rows) yield parse(row);
        const last = rows.at(-1);
        if (!last || rows.length < PAGE_ROWS) return;
        after = [Number(last.updated_at), String(last.app), String(last.subject)];
      }
    },
  };
}

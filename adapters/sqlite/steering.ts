import type { DatabaseSync } from "node:sqlite";
import type { OperatorAction, SteeringRecord, SteeringStore } from "../../core/ports/steering-store.ts";
import { targetKey } from "../../core/steering/target.ts";
import { readDurable, transact } from "./transact.ts";

const parse = <T>({ doc }: Record<string, unknown>) => JSON.parse(String(doc)) as T;

export function createSteeringStore(database: DatabaseSync): SteeringStore {
  const all = database.prepare("select doc from steering order by target");
  const put = database.prepare(`
    insert into steering (target, at, doc) values (:target, :at, :doc) on conflict (target) do update set at = excluded.at, doc = excluded.doc`);
  const remove = database.prepare("delete from steering where target = ? and at = ?");
  const log = database.prepare(`
    insert into operator_actions (id, at, doc) values (:id, :at, :doc) on conflict (id) do update set at = excluded.at, doc = excluded.doc`);
  // No id is larger than this one.
  const LAST = "￿";
  const newest = database.prepare("select doc from operator_actions where id < ? order by id desc limit ?");
  const purge = database.prepare(`
    delete from operator_actions where id in (select id from operator_actions where at < ? order by at, id limit ?)`);

  return {
    list: async () => readDurable(database, () => all.all().map(parse<SteeringRecord>)),
    put: (record) =>
      transact(database, () => void put.run({ target: targetKey(record.target), at: record.at, doc: JSON.stringify(record) })),
    remove: ({ target, at }) => transact(database, () => remove.run(targetKey(target), at).changes === 1),
    log: (action) => transact(database, () => void log.run({ id: action.id, at: action.at, doc: JSON.stringify(action) })),
    // A negative limit would be none.
    actions: async (before = LAST, limit) => readDurable(database, () => newest.all(before, Math.max(0, limit)).map(parse<OperatorAction>)),
    purgeActions: (before, limit) => transact(database, () => Number(purge.run(before, Math.max(0, limit)).changes)),
  };
}

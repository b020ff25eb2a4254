import type { DatabaseSync } from "node:sqlite";
import type { OperatorAction, SteeringRecord, SteeringStore } from "../../core/ports/steering-store.ts";
import { targetKey } from "../../core/steering/target.ts";
import { readDurable, transact } from "./transact.ts";

const parse = <T>({ doc }: Record<string, unknown>) => JSON.parse(String(doc)) as T;

/** Larger than every id. */
const BEYOND_IDS = "\uffff";

export function createSteeringStore(database: DatabaseSync): SteeringStore {
  const all = database.prepare("select doc from steering order by target");
  const put = database.prepare("insert or replace into steering (target, at, doc) values (?, ?, ?)");
  const putFirst = database.prepare("insert or ignore into steering (target, at, doc) values (?, ?, ?)");
  const putOver = database.prepare("update steering set at = ?2, doc = ?3 where target = ?1 and at = ?4");
  const remove = database.prepare("delete from steering where target = ? and at = ?");
  const log = database.prepare("insert or replace into operator_actions (id, at, doc) values (?, ?, ?)");
  const newest = database.prepare("select doc from operator_actions where id < ? order by id desc limit ?");
  const ofKind = database.prepare(`
    select doc from operator_actions
    where json_extract(doc, '$.action') = ?1 and (?2 is null or json_extract(doc, '$.target') = ?2) order by id desc limit ?3`);
  const one = database.prepare("select doc from operator_actions where id = ?");
  const purge = database.prepare(`
    delete from operator_actions where id in (select id from operator_actions where at < ? order by at, id limit ?)`);

  return {
    list: async () => readDurable(database, () => all.all().map(parse<SteeringRecord>)),
    put: (record, over) =>
      transact(database, () => {
        const row = [targetKey(record.target), record.at, JSON.stringify(record)] as const;
        if (over === undefined) return put.run(...row).changes === 1;
        return (over.at === undefined ? putFirst.run(...row) : putOver.run(...row, over.at)).changes === 1;
      }),
    remove: ({ target, at }) => transact(database, () => remove.run(targetKey(target), at).changes === 1),
    log: (action) => transact(database, () => void log.run(action.id, action.at, JSON.stringify(action))),
    // A negative limit would be none.
    actions: async (before = BEYOND_IDS, limit) =>
      readDurable(database, () => newest.all(before, Math.max(0, limit)).map(parse<OperatorAction>)),
    actionsOf: async (action, target, limit) =>
      readDurable(database, () => ofKind.all(action, target ?? null, Math.max(0, limit)).map(parse<OperatorAction>)),
    findAction: async (id) =>
      readDurable(database, () =>
        one
          .all(id)
          .map(parse<OperatorAction>)
          .at(0),
      ),
    purgeActions: (before, limit) => transact(database, () => Number(purge.run(before, Math.max(0, limit)).changes)),
  };
}

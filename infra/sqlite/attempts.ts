import type { DatabaseSync } from "node:sqlite";
import type { AttemptRecord, AttemptStore } from "../../core/ports/attempt-store.ts";
import { asStoreError, transact } from "./transact.ts";

/** Attempts read at once by all(), in rows. */
const PAGE_ROWS = 500;

const parse = (row: Record<string, unknown>) => JSON.parse(String(row.doc)) as AttemptRecord;

export function createAttemptStore(database: DatabaseSync): AttemptStore {
  const insertOne = database.prepare("insert into attempts (id, worker, answered, doc) values (?, ?, ?, ?) on conflict do nothing");
  const answer = database.prepare(`
    update attempts set answered = 1, doc = json_set(doc, '$.outcome', json(:outcome), '$.answeredAt', :answeredAt)
    where id = :id and answered = 0 and worker = coalesce(:worker, worker)`);
  const findOne = database.prepare("select doc from attempts where id = ?");
  const page = database.prepare(`select id, doc from attempts where id > ? order by id limit ${PAGE_ROWS}`);

  return {
    claim: async (attempts) =>
      transact(database, () =>
        attempts.map((attempt) => {
          const answered = attempt.outcome === undefined ? 0 : 1;
          return insertOne.run(attempt.id, attempt.worker, answered, JSON.stringify(attempt)).changes === 1;
        }),
      ),

    record: async (results) =>
      transact(database, () =>
        results.map(({ id, worker, outcome, answeredAt }) => {
          const { changes } = answer.run({ outcome: JSON.stringify(outcome), answeredAt, id, worker: worker ?? null });
          return changes === 1;
        }),
      ),

    find: async (ids) =>
      asStoreError(() =>
        [...new Set(ids)].flatMap((id) => {
          const row = findOne.get(id);
          return row ? [parse(row)] : [];
        }),
      ),

    async *all() {
      let after = "";
      for (;;) {
        const rows = asStoreError(() => page.all(after));
        for (const row of rows) yield parse(row);
        if (rows.length < PAGE_ROWS) return;
        after = String(rows.at(-1)?.id);
      }
    },
  };
}

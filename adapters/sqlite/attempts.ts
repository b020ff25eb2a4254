import type { DatabaseSync } from "node:sqlite";
import type { AttemptResult, AttemptStore } from "../../core/ports/attempt-store.ts";
import { readAttempt, type StoredAttempt } from "../store/stored.ts";
import { asStoreError, transact } from "./transact.ts";

const parse = (row: Record<string, unknown>) => readAttempt(JSON.parse(String(row.doc)) as StoredAttempt);

/** `recordNow` is record() within a transaction of the caller. */
export function createAttemptStore(database: DatabaseSync): {
  store: AttemptStore;
  recordNow(results: readonly AttemptResult[]): boolean[];
} {
  const insertOne = database.prepare("insert into attempts (id, worker, answered, doc) values (?, ?, ?, ?) on conflict do nothing");
  const answer = database.prepare(`
    update attempts set answered = 1, doc = json_set(doc, '$.outcome', json(:outcome), '$.answeredAt', :answeredAt)
    where id = :id and answered = 0 and worker = coalesce(:worker, worker)`);
  const addResolution = database.prepare(`
    update attempts set doc = json_set(doc, '$.resolution', json(:resolution))
    where id = :id and doc ->> '$.resolution' is null and coalesce(doc ->> '$.outcome.kind', 'unanswered') = 'unanswered'`);
  const give = database.prepare("insert into attributions (reference, attempt) values (?, ?) on conflict do nothing");
  const giveInstead = database.prepare("update attributions set attempt = ? where reference = ? and attempt = ?");
  const givenTo = database.prepare("select attempt from attributions where reference = ?");
  const holders = database.prepare(`
    select id from attempts where answered_reference = :reference
    union all select id from attempts where resolved_reference = :reference`);
  const findOne = database.prepare("select doc from attempts where id = ?");
  const within = database.prepare("select doc from attempts where id >= ? and id < ? order by id");

  const recordNow = (results: readonly AttemptResult[]) =>
    results.map(
      ({ id, worker, outcome, answeredAt }) =>
        answer.run({ outcome: JSON.stringify(outcome), answeredAt, id, worker: worker ?? null }).changes === 1,
    );

  const store: AttemptStore = {
    async claim(attempts) {
      const rows = attempts.map((a) => [a.id, a.worker, a.outcome === undefined ? 0 : 1, JSON.stringify(a)] as const);
      return transact(database, () => rows.map((row) => insertOne.run(...row).changes === 1));
    },

    record: async (results) => transact(database, () => recordNow(results)),

    resolve: async (results) =>
      transact(database, () =>
        results.map(({ id, resolution }) => addResolution.run({ id, resolution: JSON.stringify(resolution) }).changes === 1),
      ),

    attribute: async (provider, providerRef, attempt) =>
      transact(database, () => {
        const reference = `${provider}/${providerRef}`;
        give.run(reference, attempt);
        const other = holders.all({ reference }).find(({ id }) => id !== attempt);
        // The other attempt may ask later, and must get it.
        if (other) giveInstead.run(String(other.id), reference, attempt);
        return givenTo.get(reference)?.attempt === attempt;
      }),

    find: async (ids) =>
      asStoreError(() =>
        [...new Set(ids)].flatMap((id) => {
          const row = findOne.get(id);
          return row ? [parse(row)] : [];
        }),
      ),

    // A hyphen follows the notification's id; a tilde sorts behind it.
    between: async (first, last) => asStoreError(() => within.all(first, `${last}~`).map(parse)),
  };
  return { store, recordNow };
}

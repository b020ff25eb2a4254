import type { DatabaseSync } from "node:sqlite";
import type { AttemptStore } from "../../core/ports/attempt-store.ts";
import { readAttempt, type StoredAttempt } from "../store/stored.ts";
import { asStoreError, transact } from "./transact.ts";
import { attemptRow, type Writes } from "./writes.ts";

const parse = (row: Record<string, unknown>) => readAttempt(JSON.parse(String(row.doc)) as StoredAttempt);

export function createAttemptStore(database: DatabaseSync, writes: Pick<Writes, "claim" | "record">): AttemptStore {
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

  return {
    claim: async (attempts) => writes.claim(attempts.map(attemptRow)),

    record: writes.record,

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
}

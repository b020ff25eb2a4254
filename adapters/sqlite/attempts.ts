import type { DatabaseSync } from "node:sqlite";
import type { AttemptStore } from "../../core/ports/attempt-store.ts";
import { readAttempt, type StoredAttempt } from "../store/stored.ts";
import { readDurable } from "./transact.ts";
import { attemptRow, type Writes } from "./writes.ts";

const parse = (row: Record<string, unknown>) => readAttempt(JSON.parse(String(row.doc)) as StoredAttempt);

export function createAttemptStore(
  database: DatabaseSync,
  writes: Pick<Writes, "claim" | "record" | "resolve" | "attribute">,
): AttemptStore {
  const findOne = database.prepare("select doc from attempts where id = ?");
  const within = database.prepare("select doc from attempts where id >= ? and id < ? order by id");

  return {
    claim: async (attempts) => writes.claim(attempts.map(attemptRow)),

    record: writes.record,

    resolve: writes.resolve,

    attribute: writes.attribute,

    find: async (ids) =>
      readDurable(database, () =>
        [...new Set(ids)].flatMap((id) => {
          const row = findOne.get(id);
          return row ? [parse(row)] : [];
        }),
      ),

    // A hyphen follows the notification's id; a tilde sorts behind it.
    between: async (first, last) => readDurable(database, () => within.all(first, `${last}~`).map(parse)),
  };
}

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
  const references = createReferenceReads(database);
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

    withReference: async (providerRef, limit) => readDurable(database, () => references(providerRef, limit)),

    // A hyphen follows the notification's id; a tilde sorts behind it.
    between: async (first, last) => readDurable(database, () => within.all(first, `${last}~`).map(parse)),
  };
}

/**
 * Both indexes hold `provider/reference`, and the provider is not given: the search steps from each provider's name in the index straight to the next. "0" sorts
 * right behind the slash.
 */
function createReferenceReads(database: DatabaseSync): (providerRef: string, limit: number) => string[] {
  const columns = ["answered_reference", "resolved_reference"].map((column) => ({
    next: database.prepare(`select ${column} as reference from attempts where ${column} > ? order by ${column} limit 1`),
    withIt: database.prepare(`select id from attempts where ${column} = ? limit ?`),
  }));
  return (providerRef, limit) => {
    const ids = new Set<string>();
    for (const { next, withIt } of columns)
      for (let row = next.get(""); row !== undefined; ) {
        const [provider = ""] = String(row.reference).split("/");
        for (const { id } of withIt.all(`${provider}/${providerRef}`, Math.max(0, limit))) ids.add(String(id));
        row = next.get(`${provider}0`);
      }
    return [...ids].slice(0, Math.max(0, limit));
  };
}

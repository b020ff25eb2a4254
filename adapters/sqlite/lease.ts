import type { DatabaseSync } from "node:sqlite";
import type { Store } from "../../core/ports/store.ts";
import { transact } from "./transact.ts";

export function createLease(database: DatabaseSync): Store["lease"] {
  const take = database.prepare(`
    insert into leases (work, holder, until) values (:work, :holder, :until)
    on conflict (work) do update set holder = excluded.holder, until = excluded.until
    where leases.holder = excluded.holder or leases.until <= :now`);
  return (work, holder, now, until) => transact(database, () => take.run({ work, holder, now, until }).changes === 1);
}

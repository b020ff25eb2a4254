import type { DatabaseSync } from "node:sqlite";
import type { CapStore } from "../../core/ports/cap-store.ts";
import { capKey } from "../store/cap-key.ts";
import { transact } from "./transact.ts";

/** What roles write of caps (writes.ts). */
export type CapWrites = Pick<CapStore, "take">;

export function createCapWrites(database: DatabaseSync): CapWrites {
  const find = database.prepare("select taken from caps where key = ?");
  const put = database.prepare(
    "insert into caps (key, until, taken) values (?, ?, ?) on conflict (key) do update set taken = excluded.taken",
  );
  return {
    take: async (places) => {
      const wanted = places.map((place) => ({ ...place, key: capKey(place) }));
      return transact(database, () =>
        wanted.map(({ key, max, notificationId, window }) => {
          const row = find.get(key);
          const taken = row ? (JSON.parse(String(row.taken)) as string[]) : [];
          if (taken.includes(notificationId)) return true;
          if (taken.length >= max) return false;
          put.run(key, window.until, JSON.stringify([...taken, notificationId]));
          return true;
        }),
      );
    },
  };
}

export function createCapStore(database: DatabaseSync, { take }: CapWrites): CapStore {
  const removeOld = database.prepare("delete from caps where rowid in (select rowid from caps where until < ? order by until limit ?)");
  return {
    take,
    // A negative limit would be none.
    purge: async (before, limit) => transact(database, () => Number(removeOld.run(before, Math.max(0, limit)).changes)),
  };
}

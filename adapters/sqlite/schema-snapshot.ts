import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Shape } from "../schema-snapshot.ts";
import { asStoreError } from "./transact.ts";

/** The file's schema version, tables and indexes; nothing where there is no file. Rejects with a StoreError. */
export async function readSqliteShape(path: string): Promise<Shape> {
  if (!existsSync(path)) return new Map();
  return asStoreError(() => {
    using database = new DatabaseSync(path, { readOnly: true });
    const shape = new Map<string, Record<string, string>>();
    shape.set("schema", { version: String(database.prepare("pragma user_version").get()?.user_version) });
    const named = database.prepare(
      "select type, name from sqlite_schema where type in ('table', 'index') and sql is not null order by type desc, name",
    );
    for (const { type, name } of named.all()) shape.set(`${type} ${name}`, {});
    return shape;
  });
}

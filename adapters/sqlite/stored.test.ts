import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeStoredData } from "../../test/support/stored/describe-stored-data.ts";

/** A file as the code at revision 2972bbf wrote it. */
const SQL = readFileSync(new URL("../../test/support/stored/sqlite.sql", import.meta.url), "utf8");

describeStoredData("SQLite store", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-stored-"));
  const path = join(directory, "store.db");
  using database = new DatabaseSync(path);
  database.exec("pragma journal_mode = wal");
  database.exec(SQL);
  return { url: `sqlite:${path}`, [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true }) };
});

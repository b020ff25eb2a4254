import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { sampleNotification } from "../../test/support/store/samples.ts";
import { describeStoreContract, type TestDatabase } from "../../test/support/store-contract.ts";
import { openStore, StoreError } from "../store.ts";

async function createDatabase(): Promise<TestDatabase & { path: string }> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-sqlite-"));
  const path = join(directory, "new", "store.db");
  return {
    path,
    url: `sqlite:${path}`,
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true }),
  };
}

describeStoreContract("SQLite store", createDatabase);

describe("SQLite store: its file", () => {
  it("is readable by its owner alone, side files too", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    await store.notifications.insert([sampleNotification()]);
    for (const suffix of ["", "-wal", "-shm"]) assert.equal(statSync(database.path + suffix).mode & 0o077, 0, suffix);
  });

  it("answers the outbox's question from the partial index", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    using raw = new DatabaseSync(database.path);
    const sql = "explain query plan select rowid, due from notifications where lane = 1 and due <= 2 order by due limit 3";
    assert.match(String(raw.prepare(sql).get()?.detail), /COVERING INDEX outbox \(lane=\? AND due<\?\)/);
    assert.equal(raw.prepare("pragma journal_mode").get()?.journal_mode, "wal");
  });

  it("is refused when a newer Carillon wrote it", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    {
      using raw = new DatabaseSync(database.path);
      raw.exec("pragma user_version = 99");
    }
    await assert.rejects(openStore(database.url), (error) => error instanceof StoreError && /newer/.test(error.message));
  });

  it("is refused when it is no database, and when it cannot be made", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    writeFileSync(database.path, "this is not a database, whatever its name says");
    await assert.rejects(openStore(database.url), StoreError);
    await assert.rejects(openStore(`sqlite:${database.path}/below-a-file/store.db`), StoreError);
  });

  it("says which URLs there are when given another", async () => {
    await assert.rejects(
      openStore("postgres://who:secret@host/db"),
      (error) => error instanceof StoreError && !/secret/.test(error.message),
    );
  });

  it("may be in memory", async () => {
    await using store = await openStore("sqlite::memory:");
    const record = sampleNotification();
    await store.notifications.insert([record]);
    assert.deepEqual(await store.notifications.find(record.id), record);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { StoreError } from "../store/store-error.ts";
import { transact } from "./transact.ts";

/** Two connections to one file, as of two processes. */
function open() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-transact-"));
  const [ours, theirs] = [0, 1].map(() => new DatabaseSync(join(directory, "store.sqlite"))) as [DatabaseSync, DatabaseSync];
  ours.exec("pragma journal_mode = wal; create table t (n integer)");
  const insert = ours.prepare("insert into t values (?)");
  return {
    ...{ ours, theirs },
    write: (n: number, waitMs?: number) => transact(ours, () => insert.run(n).changes, waitMs),
    written: () =>
      ours
        .prepare("select n from t order by rowid")
        .all()
        .map(({ n }) => Number(n)),
    [Symbol.dispose]() {
      for (const database of [ours, theirs]) database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

test("writes wait for another process without blocking this one, and happen in order", async () => {
  using store = open();
  store.theirs.exec("begin immediate");
  let ended = 0;
  const writes = [1, 2, 3].map((n) => store.write(n).then(() => ended++));
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual([ended, store.written()], [0, []]);
  store.theirs.exec("commit");
  const late = store.write(4);
  await Promise.all([...writes, late]);
  assert.deepEqual(store.written(), [1, 2, 3, 4]);
});

test("a write that waited for too long fails, and the next one happens", async () => {
  using store = open();
  store.theirs.exec("begin immediate");
  const outcomes = Promise.allSettled([store.write(1, 5), store.write(2, 5)]);
  assert.ok((await outcomes).every((outcome) => outcome.status === "rejected" && outcome.reason instanceof StoreError));
  const next = store.write(3);
  store.theirs.exec("rollback");
  assert.equal(await next, 1);
  assert.deepEqual(store.written(), [3]);
});

test("a write that throws leaves nothing, and stops none of those that wait", async () => {
  using store = open();
  store.theirs.exec("begin immediate");
  const broken = transact(store.ours, () => {
    store.ours.exec("insert into t values (1)");
    throw new Error("broken");
  });
  const next = store.write(2);
  store.theirs.exec("commit");
  await assert.rejects(broken, /broken/);
  await next;
  assert.deepEqual(store.written(), [2]);
});

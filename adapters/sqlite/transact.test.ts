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
    ...{ directory, ours, theirs },
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

test("writes that are late because of those before them happen where nobody else writes", async () => {
  using store = open();
  const numbers = Array.from({ length: 30 }, (_, i) => i);
  await Promise.all(numbers.map((n) => store.write(n, 0)));
  assert.deepEqual(store.written(), numbers);
});

test("writes of a database that one of them closes fail, and so do those that wait", async () => {
  using store = open();
  const closing = new DatabaseSync(join(store.directory, "store.sqlite"));
  const writes = [() => closing.close(), ...Array.from({ length: 20 }, () => () => closing.exec("insert into t values (1)"))];
  const outcomes = await Promise.allSettled(writes.map((work) => transact(closing, work)));
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  await assert.rejects(
    transact(closing, () => 1),
    /not open/,
  );
  assert.equal(await store.write(2), 1);
});

test("a transaction that could not be rolled back is rolled back before the next one", async () => {
  using store = open();
  store.ours.exec("pragma foreign_keys = on; create table parent (id integer primary key)");
  store.ours.exec("create table child (parent integer references parent deferrable initially deferred)");
  const exec = store.ours.exec.bind(store.ours);
  let failures = 1;
  store.ours.exec = (sql) => {
    if (sql === "rollback" && failures-- > 0) throw new Error("disk I/O error");
    exec(sql);
  };
  const writes = [store.write(1), transact(store.ours, () => exec("insert into child values (1)"))];
  const outcomes = await Promise.allSettled(writes);
  assert.ok(outcomes.every((outcome) => outcome.status === "rejected" && /FOREIGN KEY/.test(String(outcome.reason))));
  await store.write(2);
  assert.deepEqual([store.written(), failures], [[2], -1]);
});

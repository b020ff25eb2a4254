import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { sampleChange, sampleNotification, sent } from "../../test/support/store/samples.ts";
import { StoreError } from "../store/store-error.ts";
import { openSqliteStore } from "./open.ts";
import { useWriterThread } from "./writer-thread.ts";

function createFile() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-writer-"));
  return { path: join(directory, "store.sqlite"), [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}
const open = (path: string) => openSqliteStore(path, { hasWriterThread: true });

test("what the thread has written, this thread reads, and other connections do", async () => {
  using file = createFile();
  await using store = await open(file.path);
  const record = sampleNotification();
  await store.notifications.insert([record]);
  assert.deepEqual(await store.notifications.find(record.id), record);
  assert.deepEqual(await store.notifications.insert([record]), [{ kind: "exists", record }]);
  using other = new DatabaseSync(file.path);
  assert.equal(other.prepare("select count(*) as n from notifications").get()?.n, 1);
});

test("calls that are made at once are answered each by itself, in order", async () => {
  using file = createFile();
  await using store = await open(file.path);
  const records = Array.from({ length: 50 }, () => sampleNotification());
  const inserted = records.map((record) => store.notifications.insert([record]));
  const changed = records.map((record) => store.notifications.change([sampleChange(record, 0, sent(record.id))]));
  assert.deepEqual(
    (await Promise.all(inserted)).flat(),
    records.map(() => ({ kind: "inserted" })),
  );
  assert.deepEqual(
    (await Promise.all(changed)).flat(),
    records.map(() => true),
  );
  const found = await Promise.all(records.map(({ id }) => store.notifications.find(id)));
  assert.deepEqual(
    found.map((record) => record?.deliveries[0]?.providerRef),
    records.map(({ id }) => id),
  );
});

test("stores of one file share a thread, which ends with the last of them; what is under way is written", async () => {
  using file = createFile();
  const [first, second] = [await open(file.path), await open(file.path)];
  const [early, late] = [sampleNotification(), sampleNotification()];
  await first.notifications.insert([early]);
  await first[Symbol.asyncDispose]();
  const writing = second.notifications.insert([late]);
  await second[Symbol.asyncDispose]();
  assert.deepEqual(await writing, [{ kind: "inserted" }]);
  await assert.rejects(second.notifications.insert([sampleNotification()]), StoreError);
  await using third = await open(file.path);
  assert.deepEqual(await third.notifications.find(late.id), late);
});

test("an error of the database is a StoreError here too, and the thread goes on", async () => {
  using file = createFile();
  await using store = await open(file.path);
  using other = new DatabaseSync(file.path);
  other.exec("alter table attempts rename to elsewhere");
  const end = { result: { id: "a/1", worker: "w", outcome: { kind: "accepted", providerRef: "r" }, answeredAt: 1 } as const };
  const record = sampleNotification();
  await store.notifications.insert([record]);
  await assert.rejects(store.settle!([{ ...end, change: sampleChange(record, 0, sent("r")) }]), StoreError);
  assert.equal((await store.notifications.find(record.id))?.deliveries[0]?.state, "pending");
  other.exec("alter table elsewhere rename to attempts");
  assert.deepEqual(await store.notifications.change([sampleChange(record, 0, sent("r"))]), [true]);
});

test("a file that cannot be opened is an error, and can be tried again", async () => {
  using file = createFile();
  writeFileSync(file.path, "this is no database, but it is longer than its header is");
  for (let i = 0; i < 2; i++) await assert.rejects(useWriterThread(file.path), /writing thread has ended: .*file is not a database/);
  rmSync(file.path);
  await using thread = await useWriterThread(file.path);
  assert.deepEqual(await thread.writes.lease(0, 1, []), []);
});

test("a store opens while another process writes, with a thread too", async () => {
  using file = createFile();
  await (await openSqliteStore(file.path))[Symbol.asyncDispose]();
  using other = new DatabaseSync(file.path);
  other.exec("begin immediate");
  await using store = await open(file.path);
  const writing = store.notifications.insert([sampleNotification()]);
  other.exec("rollback");
  assert.deepEqual(await writing, [{ kind: "inserted" }]);
});

test("a call that cannot be passed on is rejected alone", async () => {
  using file = createFile();
  await using thread = await useWriterThread(file.path);
  const { insert, change } = thread.writes;
  const invalid = sampleChange({ id: "a" }, 0, { providerRef: (() => "") as unknown as string });
  const [first, bad, last] = await Promise.allSettled([insert([]), change([invalid]), insert([])]);
  assert.deepEqual([first.status, bad.status, last.status], ["fulfilled", "rejected", "fulfilled"]);
});

test("where the thread dies, what is under way is rejected, its death is told, and the next store starts another", async () => {
  using file = createFile();
  const program = join(file.path, "../dies.ts");
  const opens = 'import { parentPort } from "node:worker_threads"; parentPort.postMessage([{ id: 0, value: undefined }]);';
  writeFileSync(program, `${opens} parentPort.on("message", () => { throw new Error("out of memory"); });`);
  const death = Promise.withResolvers<Error>();
  const thread = await useWriterThread(file.path, { program: pathToFileURL(program), died: death.resolve });
  await assert.rejects(thread.writes.insert([]), /writing thread has ended: out of memory/);
  assert.match((await death.promise).message, /out of memory/);
  await assert.rejects(thread.writes.insert([]), StoreError);
  await thread[Symbol.asyncDispose]();
  await using next = await useWriterThread(file.path);
  assert.deepEqual(await next.writes.insert([]), []);
});

test("a second opening releases none of the locks that tell other programs that the file is in use", async (t) => {
  if (process.platform !== "linux") return t.skip("locks are read from /proc, which only Linux has");
  using file = createFile();
  const locks = () =>
    readFileSync("/proc/locks", "utf8")
      .split("\n")
      .filter((line) => line.includes(`:${statSync(file.path).ino} `)).length;
  await using first = await openSqliteStore(file.path);
  await first.notifications.insert([sampleNotification()]);
  const before = locks();
  assert.ok(before > 0);
  await using second = await open(file.path);
  await second.notifications.insert([sampleNotification()]);
  assert.ok(locks() >= before);
});

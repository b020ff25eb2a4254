import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { FragileDisk } from "../../test/support/sqlite/fragile-disk.ts";
import { sampleNotification } from "../../test/support/store/samples.ts";
import { StoreError } from "../store/store-error.ts";
import { closeDatabase, openDatabase } from "./database.ts";
import { openLogFile } from "./log-file.ts";
import { openSqliteStore } from "./open.ts";
import { restoreLog } from "./restore-log.ts";

function createWorld() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-power-"));
  const path = join(directory, "store.sqlite");
  const disk = new FragileDisk(path);
  const ended: string[] = [];
  return {
    ...{ path, disk, ended },
    /** As a process of its own. */
    open: (name: string) => openSqliteStore(path, { openLog: disk.open, failed: () => ended.push(name) }),
    /** Which of these are there after a power failure, now. */
    left(...records: readonly NotificationRecord[]): boolean[] {
      const copy = join(directory, `copy-${Math.random()}.sqlite`);
      disk.powerFailure(copy);
      using database = new DatabaseSync(copy);
      assert.equal(database.prepare("pragma integrity_check").get()?.integrity_check, "ok");
      const find = database.prepare("select 1 from notifications where id = ?");
      return records.map(({ id }) => find.get(id) !== undefined);
    },
    /** The file and its log after a power failure, now. */
    bytesLeft(): Buffer {
      const copy = join(directory, `copy-${Math.random()}.sqlite`);
      disk.powerFailure(copy);
      return Buffer.concat([readFileSync(copy), readFileSync(`${copy}-wal`)]);
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}
const inserted = [{ kind: "inserted" }];
const notTaken = (error: unknown) =>
  error instanceof StoreError && error.code === "EIO" && /the disk did not take what was written/.test(error.message);

test("what was answered survives a power failure; what was not yet need not", async () => {
  using world = createWorld();
  await using store = await world.open("a");
  const [first, second] = [sampleNotification(), sampleNotification()];
  assert.deepEqual(await store.notifications.insert([first]), inserted);
  const gate = Promise.withResolvers<void>();
  world.disk.until = gate.promise;
  const writing = store.notifications.insert([second]);
  while (world.disk.flushes < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(world.left(first, second), [true, false]);
  gate.resolve();
  assert.deepEqual(await writing, inserted);
  assert.deepEqual(world.left(first, second), [true, true]);
});

test("after a failed flush no process that was there answers, and one that comes later loses nothing", async () => {
  using world = createWorld();
  const [first, second] = [await world.open("first"), await world.open("second")];
  const [before, lost, behind, after] = Array.from({ length: 4 }, () => sampleNotification()) as NotificationRecord[] & { length: 4 };
  assert.deepEqual(await first.notifications.insert([before!]), inserted);
  assert.deepEqual(await second.notifications.find(before!.id), before);

  world.disk.takes = false;
  const together = await Promise.allSettled([first.notifications.insert([lost!]), first.notifications.find(lost!.id)]);
  world.disk.takes = true;
  assert.ok(together[0].status === "rejected" && notTaken(together[0].reason));
  assert.deepEqual(world.ended, ["first"]);
  await assert.rejects(first.notifications.insert([after!]), notTaken);
  await assert.rejects(first.notifications.find(before!.id), notTaken);

  await assert.rejects(
    second.notifications.find(lost!.id),
    notTaken,
    "it is told by its own descriptor, though the disk takes everything again",
  );
  await assert.rejects(second.notifications.insert([behind!]), notTaken);
  assert.deepEqual(world.ended, ["first", "second"]);
  assert.deepEqual(world.left(before!, lost!), [true, false]);

  await using third = await world.open("third");
  assert.deepEqual(await third.notifications.insert([lost!]), [{ kind: "exists", record: lost }]);
  assert.deepEqual(await third.notifications.insert([after!]), inserted);
  assert.deepEqual(world.left(before!, lost!, after!), [true, true, true]);
  for (const store of [first, second]) await store[Symbol.asyncDispose]();
  assert.deepEqual(world.ended, ["first", "second"]);
});

test("a process that only learns of another's failed flush at its next write does not answer that write", async () => {
  using world = createWorld();
  const [first, second] = [await world.open("first"), await world.open("second")];
  const [lost, behind] = [sampleNotification(), sampleNotification()];
  world.disk.takes = false;
  await assert.rejects(first.notifications.insert([lost]), notTaken);
  world.disk.takes = true;
  await assert.rejects(second.notifications.insert([behind]), notTaken);
  assert.deepEqual(world.left(lost, behind), [false, false], "it stands behind the hole");
});

test("a log whose bytes are not those that SQLite knows is not opened; an intact one is as long as SQLite knows", async () => {
  using world = createWorld();
  const database = await openDatabase(world.path);
  for (let i = 0; i < 400; i++) database.exec(`insert into poison (id, kept_at, bytes, doc) values ('${i}', 0, zeroblob(5000), '{}')`);
  const path = `${world.path}-wal`;
  const intact = readFileSync(path);
  const file = openLogFile(path);
  await restoreLog(database, file);
  assert.ok(readFileSync(path).equals(intact), "written anew as it was");
  const damaged = Buffer.from(intact);
  // As a file system gives back what the disk has: some frames in the midst are older.
  damaged.fill(0, damaged.length / 2, damaged.length / 2 + 4096);
  writeFileSync(path, damaged);
  await assert.rejects(restoreLog(database, file), (error) => error instanceof StoreError && /its log is damaged/.test(error.message));
  assert.ok(readFileSync(path).equals(damaged));
  writeFileSync(path, intact);
  file.close();
  await closeDatabase(database);
});

for (const [where, program] of [
  ["in the process itself", "failing-store.ts"],
  ["in its writing thread", "failing-thread.ts"],
] as const)
  test(`a failed flush ${where} ends the process with status 1 and one line that says why`, () => {
    using world = createWorld();
    const file = new URL(`../../test/support/sqlite/${program}`, import.meta.url);
    const { status, stderr, stdout } = spawnSync(process.execPath, [file.pathname, world.path], { encoding: "utf8", timeout: 20_000 });
    const why = "SQLite: the disk did not take what was written (EIO: i/o error, fdatasync); restart once the disk works";
    assert.match(stderr, /^carillon: .*\n$/);
    assert.ok(stderr.endsWith(`${why}\n`), stderr);
    assert.deepEqual([status, stdout.includes("rejected: SQLite: the"), stdout.includes("answered")], [1, true, false], stdout);
  });

test("a store that is closed while reads wait for the disk answers them, and closes its log after them", async () => {
  using world = createWorld();
  const store = await world.open("a");
  using other = new DatabaseSync(world.path);
  const commit = () => other.exec("insert into caps (key, until, taken) values (hex(randomblob(9)), 99, '[]')");
  const gate = Promise.withResolvers<void>();
  world.disk.until = gate.promise;
  const reads: Promise<unknown>[] = [];
  const read = () => {
    commit();
    reads.push(store.notifications.find("x"));
  };
  read();
  read();
  const closed = store[Symbol.asyncDispose]();
  read();
  gate.resolve();
  await closed;
  assert.deepEqual(
    (await Promise.allSettled(reads)).map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled"],
  );
  await assert.rejects(store.notifications.find("x"));
  assert.deepEqual(world.ended, []);
});

test("what was overwritten does not come back by a power failure, and nothing is overwritten after a failed flush", async () => {
  using world = createWorld();
  const store = await world.open("a");
  const secret = "phone-of-ada";
  await store.profiles.put("shop", "ada", { locale: secret }, 1);
  await store.profiles.remove("shop", "ada");
  assert.ok(world.bytesLeft().includes(secret), "the log still holds it");
  const { flushes } = world.disk;
  assert.equal(await store.overwriteDeleted?.(), true);
  assert.equal(world.disk.flushes, flushes + 1);
  assert.ok(!world.bytesLeft().includes(secret));
  world.disk.takes = false;
  await assert.rejects(store.profiles.put("shop", "ada", {}, 2), notTaken);
  const bytes = readFileSync(`${world.path}-wal`);
  await assert.rejects(store.overwriteDeleted!(), notTaken);
  assert.ok(bytes.length > 0 && readFileSync(`${world.path}-wal`).equals(bytes));
  assert.deepEqual(world.ended, ["a"]);
  await store[Symbol.asyncDispose]();
});

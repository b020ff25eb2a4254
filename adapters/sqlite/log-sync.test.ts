import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../store/store-error.ts";
import { createLogSync } from "./log-sync.ts";

/** A disk whose flushes end when the test says so. */
function disk() {
  const flushes: PromiseWithResolvers<void>[] = [];
  const sync = createLogSync(() => {
    const flush = Promise.withResolvers<void>();
    flushes.push(flush);
    return flush.promise;
  });
  const ended: string[] = [];
  const wait = (name: string) =>
    void sync().then(
      () => ended.push(name),
      (error) => ended.push(`${name}: ${error instanceof StoreError ? error.message : error}`),
    );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { flushes, sync, ended, wait, turn };
}

test("who commits during a flush waits for the next one, which all of them share", async () => {
  const { flushes, ended, wait, turn } = disk();
  wait("a");
  wait("b");
  wait("c");
  await turn();
  assert.equal(flushes.length, 1, "one at a time");
  flushes[0]!.resolve();
  await turn();
  assert.deepEqual([ended, flushes.length], [["a"], 2], "b and c may not be in the first flush");
  wait("d");
  await turn();
  flushes[1]!.resolve();
  await turn();
  assert.deepEqual([ended, flushes.length], [["a", "b", "c"], 3]);
  flushes[2]!.resolve();
  await turn();
  assert.deepEqual([ended, flushes.length], [["a", "b", "c", "d"], 3], "and nobody else");
});

test("after a failed flush nothing is called durable any more", async () => {
  const { flushes, ended, sync, wait, turn } = disk();
  wait("a");
  wait("b");
  await turn();
  flushes[0]!.reject(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
  await turn();
  const why = "SQLite: the disk did not take the log (EIO: i/o error, fdatasync); restart once it works";
  assert.deepEqual(ended, [`a: ${why}`, `b: ${why}`]);
  await assert.rejects(sync(), (error) => error instanceof StoreError && error.code === "EIO");
  assert.equal(flushes.length, 1, "the disk is not asked again");
});

test("a flush that could not be asked for is made up for by the next one", async () => {
  const { flushes, ended, wait, turn } = disk();
  wait("a");
  wait("b");
  await turn();
  flushes[0]!.reject(new StoreError("SQLite: the log cannot be opened (EMFILE: too many open files)", "EMFILE"));
  await turn();
  flushes[1]!.resolve();
  await turn();
  assert.deepEqual(ended, ["a: SQLite: the log cannot be opened (EMFILE: too many open files)", "b"]);
});

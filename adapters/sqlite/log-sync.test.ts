import assert from "node:assert/strict";
import { test } from "node:test";
import { diskFault } from "../../test/support/sqlite/failing-log.ts";
import { StoreError } from "../store/store-error.ts";
import { createLogSync } from "./log-sync.ts";

/** A disk whose flushes end when the test says so. */
function createDisk() {
  const flushes: PromiseWithResolvers<void>[] = [];
  const [seen, ended, failures]: [{ others: number; own: number }, string[], string[]] = [{ others: 1, own: 0 }, [], []];
  const log = createLogSync({
    seen: () => ({ ...seen }),
    flush() {
      const flush = Promise.withResolvers<void>();
      flushes.push(flush);
      return flush.promise;
    },
    failed: ({ message }) => failures.push(message),
  });
  return {
    ...{ flushes, ended, failures, log },
    /** What a connection answers after a commit of its own, or of another. */
    commit(name: string, by: "own" | "others" = "own") {
      seen[by]++;
      this.answer(name);
    },
    answer: (name: string) =>
      void (log.onDisk() ?? Promise.resolve()).then(
        () => ended.push(name),
        (error) => ended.push(`${name}: ${error instanceof StoreError ? error.message : error}`),
      ),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test("who commits during a flush waits for the next one, which all of them share", async () => {
  const disk = createDisk();
  disk.commit("a");
  disk.commit("b");
  disk.commit("c", "others");
  await disk.turn();
  assert.equal(disk.flushes.length, 1, "one at a time");
  disk.flushes[0]!.resolve();
  await disk.turn();
  assert.deepEqual([disk.ended, disk.flushes.length], [["a"], 2], "b and c may not be in the first flush");
  disk.answer("read");
  disk.commit("d");
  disk.flushes[1]!.resolve();
  await disk.turn();
  assert.deepEqual(
    [disk.ended.toSorted(), disk.flushes.length],
    [["a", "b", "c", "read"], 3],
    "who saw nothing newer shares the one under way",
  );
  disk.flushes[2]!.resolve();
  await disk.turn();
  assert.equal(disk.ended.at(-1), "d");
});

test("the first answer waits for a flush, and none does where nothing was committed since", async () => {
  const disk = createDisk();
  disk.answer("first");
  disk.flushes[0]!.resolve();
  await disk.turn();
  assert.equal(disk.log.onDisk(), undefined);
  disk.commit("others", "others");
  assert.equal(disk.flushes.length, 2);
});

test("after a failed flush nothing is answered any more, and the disk is not asked again", async () => {
  const disk = createDisk();
  disk.commit("a");
  disk.commit("b");
  disk.flushes[0]!.reject(diskFault());
  await disk.turn();
  const why = "SQLite: the disk did not take what was written (EIO: i/o error, fdatasync); restart once the disk works";
  assert.deepEqual(disk.ended, [`a: ${why}`, `b: ${why}`]);
  disk.answer("c");
  await disk.turn();
  assert.deepEqual([disk.ended.at(-1), disk.flushes.length, disk.failures], [`c: ${why}`, 1, [why]]);
});

test("a flush that the thread waits for is over when the answer is made, and one that fails is final at once", async () => {
  const [seen, failures]: [{ others: number; own: number }, string[]] = [{ others: 1, own: 0 }, []];
  let flushes = 0;
  const flush = () => {
    flushes++;
    if (seen.own === 2) throw new Error("EIO");
    return undefined;
  };
  const log = createLogSync({ seen: () => ({ ...seen }), flush, failed: ({ message }) => failures.push(message) });
  seen.own = 1;
  assert.deepEqual([log.onDisk(), log.onDisk(), log.underWay(), flushes], [undefined, undefined, undefined, 1]);
  seen.own = 2;
  const answers = [log.onDisk(), log.onDisk()];
  seen.own = 3;
  assert.deepEqual([flushes, failures.length, log.fault()?.message], [2, 1, failures[0]]);
  for (const answer of [...answers, log.onDisk()]) await assert.rejects(answer!, StoreError);
  assert.equal(flushes, 2);
});

test("a flush of the log itself begins after it was asked for, also where nothing was committed", async () => {
  const disk = createDisk();
  const ended: string[] = [];
  const flush = (name: string) => void disk.log.flush()?.then(() => ended.push(name));
  disk.commit("a");
  flush("b");
  flush("c");
  assert.equal(disk.flushes.length, 1);
  disk.flushes[0]!.resolve();
  await disk.turn();
  assert.deepEqual([ended, disk.flushes.length], [[], 2], "the first one began before");
  disk.flushes[1]!.resolve();
  await disk.turn();
  assert.deepEqual([ended, disk.flushes.length], [["b", "c"], 2]);
  flush("d");
  assert.equal(disk.flushes.length, 3);
  disk.flushes[2]!.resolve();
  await disk.turn();
  assert.deepEqual(ended, ["b", "c", "d"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createReadingTurns } from "./reading-turns.ts";

const KB = 1_000;
const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Turns whose clock goes on only while a body is read. */
function createWorld(waitingBytesMax = 100 * KB) {
  let nowMs = 0;
  const read: string[] = [];
  const turns = createReadingTurns({ waitingBytesMax, now: () => nowMs });
  return {
    read,
    /** A body that takes so many ms. */
    arrive(name: string, { ms = 10, bytes = KB, isOver = (): boolean => false } = {}) {
      return turns.run({ callerKey: name[0]!, bytes, isOver }, () => {
        nowMs += ms;
        read.push(name);
        if (name.endsWith("!")) throw new Error(name);
        return name;
      });
    },
    async untilRead(count: number) {
      const perTurn: number[] = [];
      for (let before = read.length; read.length < count; before = read.length) {
        await eventLoopTurn();
        perTurn.push(read.length - before);
      }
      return perTurn;
    },
  };
}

test("one body that takes long is read in a turn of the event loop, however many have arrived", async () => {
  const { arrive, read, untilRead } = createWorld();
  const answers = ["a1", "a2", "a3", "a4"].map((name) => arrive(name));
  assert.deepEqual(read, ["a1"], "the first one at once");
  assert.deepEqual(await untilRead(4), [1, 1, 1]);
  assert.deepEqual(await Promise.all(answers), ["a1", "a2", "a3", "a4"]);
});

test("those that take little share a turn", async () => {
  const { arrive, read, untilRead } = createWorld();
  for (const name of ["a1", "a2", "a3", "a4", "a5"]) void arrive(name, { ms: 2 });
  assert.deepEqual(read, ["a1", "a2", "a3"]);
  await untilRead(5);
  await eventLoopTurn();
  void arrive("a6", { ms: 2 });
  assert.equal(read.at(-1), "a6", "the next turn has time of its own");
});

test("callers take turns, and one waits for none of another's bodies but the one being read", async () => {
  const { arrive, read, untilRead } = createWorld();
  for (const name of ["a1", "a2", "a3", "a4"]) void arrive(name);
  void arrive("b1");
  await untilRead(5);
  assert.deepEqual(read, ["a1", "a2", "b1", "a3", "a4"]);
});

test("a small body waits for none of the large ones", async () => {
  const { arrive, read, untilRead } = createWorld();
  for (const name of ["a1", "a2", "a3"]) void arrive(name, { bytes: 40 * KB });
  void arrive("b1");
  assert.deepEqual(read, ["a1", "b1"]);
  assert.deepEqual(await untilRead(4), [1, 1]);
});

test("beyond the bytes that may wait a body is not taken, others' are, and there is room again once it was read", async () => {
  const { arrive, read, untilRead } = createWorld(10 * KB);
  const large = { bytes: 3 * KB };
  const taken = ["a1", "a2", "a3", "a4"].map((name) => arrive(name, large) !== undefined);
  assert.deepEqual(taken, [true, true, true, false], "the first one is read, two wait");
  assert.equal(arrive("b1", { bytes: 5 * KB }), undefined);
  assert.notEqual(arrive("b2", large), undefined);
  await untilRead(4);
  assert.deepEqual(read, ["a1", "a2", "b2", "a3"]);
  assert.notEqual(arrive("a5", large), undefined);
});

test("what nobody waits for any more is not read", async () => {
  const { arrive, read, untilRead } = createWorld();
  let isOver = false;
  void arrive("a1");
  void arrive("a2", { isOver: () => isOver });
  void arrive("a3");
  isOver = true;
  await untilRead(2);
  assert.deepEqual(read, ["a1", "a3"]);
});

test("a body that cannot be read rejects its own call, at once or later", async () => {
  const { arrive, untilRead } = createWorld();
  const both = Promise.allSettled([arrive("a1!"), arrive("a2!"), arrive("a3")]);
  await untilRead(3);
  assert.deepEqual(
    (await both).map(({ status }) => status),
    ["rejected", "rejected", "fulfilled"],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createBlobMemory } from "./blob-memory.ts";

const setUp = () => {
  const clock = createFakeClock();
  return { clock, memory: createBlobMemory(clock, 100) };
};

test("mails have room as long as their files fit together, and the next in order when one ends", async () => {
  const { memory } = setUp();
  const [first, second] = [await memory.hold(60), await memory.hold(40)];
  const began: string[] = [];
  const third = memory.hold(50).then((release) => began.push("third") && release);
  const fourth = memory.hold(1).then((release) => began.push("fourth") && release);
  second?.();
  second?.();
  await Promise.resolve();
  assert.deepEqual(began, [], "a small one does not overtake a large one, and room is given back once");
  first?.();
  assert.ok((await third) && (await fourth));
  assert.deepEqual(began, ["third", "fourth"]);
});

test("a mail that is larger than all the room has it alone", async () => {
  const { memory } = setUp();
  const release = await memory.hold(500);
  assert.ok(release);
  const next = memory.hold(1);
  release();
  assert.ok(await next);
});

test("a wait ends without room, and few wait at once", async () => {
  const { clock, memory } = setUp();
  const release = await memory.hold(100);
  const waiting = [1, 2, 3, 4].map((bytes) => memory.hold(bytes));
  assert.equal(await memory.hold(5), undefined);
  clock.advance(2_000);
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined, undefined, undefined]);
  release?.();
  assert.ok(await memory.hold(100));
});

test("a wait that ends lets a smaller mail behind it begin", async () => {
  const { clock, memory } = setUp();
  const release = await memory.hold(60);
  const large = memory.hold(90);
  clock.advance(1_000);
  const small = memory.hold(40);
  clock.advance(1_000);
  assert.equal(await large, undefined);
  assert.ok(await small);
  assert.ok(release);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createBodySlots } from "./body-slots.ts";

/** Slots whose bodies note their names when they are evicted. */
function slotsOf(limits: { bodiesMax?: number; bytesMax?: number }) {
  const slots = createBodySlots(limits);
  const gone: string[] = [];
  return { gone, take: (name: string) => slots.take(() => void gone.push(name)) };
}

test("beyond the number, the body that has been read for longest is evicted", () => {
  const { gone, take } = slotsOf({ bodiesMax: 2 });
  take("a");
  const b = take("b");
  take("c");
  assert.deepEqual(gone, ["a"]);
  b?.release();
  take("d");
  assert.deepEqual(gone, ["a"]);
});

test("beyond the bytes too, and what is released counts no more", () => {
  const { gone, take } = slotsOf({ bytesMax: 100 });
  const a = take("a");
  a?.grow(60);
  const b = take("b");
  b?.grow(60);
  assert.deepEqual(gone, ["a"]);
  a?.grow(60);
  a?.release();
  take("c")?.grow(40);
  assert.deepEqual(gone, ["a"]);
  take("d")?.grow(101);
  assert.deepEqual(gone, ["a", "b", "c", "d"], "a body larger than all the room is evicted itself");
});

test("a whole body is not evicted; where all are whole there is no slot", () => {
  const { gone, take } = slotsOf({ bodiesMax: 2, bytesMax: 100 });
  const a = take("a");
  a?.grow(90);
  a?.whole();
  take("b")?.grow(20);
  assert.deepEqual(gone, ["b"]);
  const c = take("c");
  c?.whole();
  assert.equal(take("d"), undefined);
  c?.release();
  assert.ok(take("e"));
  assert.deepEqual(gone, ["b"]);
});

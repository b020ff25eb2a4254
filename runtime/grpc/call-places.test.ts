import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedCallLimit } from "./call-limit.ts";
import { createCallPlaces } from "./call-places.ts";

function fill(places: ReturnType<typeof createCallPlaces>, callerKey: string): object[] {
  const calls: object[] = [];
  for (; places.hasRoom(callerKey); ) {
    const call = {};
    places.add(call, callerKey);
    calls.push(call);
  }
  return calls;
}

test("a caller may have as many calls under way as are free, and one in any case", () => {
  const places = createCallPlaces(fixedCallLimit(12));
  const counts = ["a", "b", "c", "d", "e"].map((callerKey) => fill(places, callerKey).length);
  assert.deepEqual(counts, [6, 3, 2, 1, 1]);
});

test("a call that has ended leaves its place, once", () => {
  const places = createCallPlaces(fixedCallLimit(2));
  const [call] = fill(places, "a");
  assert.ok(!places.hasRoom("a"));
  places.remove(call!);
  places.remove(call!);
  assert.equal(fill(places, "a").length, 1);
  assert.equal(fill(places, "b").length, 1);
});

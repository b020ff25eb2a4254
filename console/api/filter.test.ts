import assert from "node:assert/strict";
import { test } from "node:test";
import { readFilter } from "./filter.ts";

test("several states are given with commas between; one that is unknown is refused", () => {
  assert.deepEqual(readFilter({ state: "sent,delivered" }).states, ["sent", "delivered"]);
  assert.equal(readFilter({ state: "" }).states, undefined);
  assert.throws(() => readFilter({ state: "sent,lost" }), /^RequestFault: state must be one of pending, /);
});

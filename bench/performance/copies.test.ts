import assert from "node:assert/strict";
import { test } from "node:test";
import { createCopies } from "./copies.ts";

test("a copy has its own text or digits in each place, also inside of longer texts and of JSON in JSON", () => {
  const template = { id: "abc", at: 1700, doc: JSON.stringify({ id: "abc-0", at: 1700 }), other: "x" };
  const copy = createCopies<typeof template>(JSON.stringify(template), ["abc", "1700"]);
  assert.deepEqual(copy(["def", "1800"]), { id: "def", at: 1800, doc: JSON.stringify({ id: "def-0", at: 1800 }), other: "x" });
  assert.equal(copy(["ghi", "1"]).id, "ghi");
});

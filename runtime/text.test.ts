import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, namesText } from "./text.ts";

test("a text is cut between characters, and has no half of a surrogate pair elsewhere", () => {
  assert.equal(cut("a😀b", 4), "a😀b");
  assert.equal(cut("a😀b", 3), "a😀");
  assert.equal(cut("a😀b", 2), "a");
  assert.equal(cut("a\udc00b", 9), "a\ufffdb");
});

test("a list of names says how many it leaves out", () => {
  assert.equal(namesText(["a", "b"], 2), "a, b");
  assert.equal(namesText(["a", "b", "c", "d"], 2), "a, b and 2 more");
});

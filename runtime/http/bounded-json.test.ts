import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBoundedJson } from "./bounded-json.ts";

const parse = (text: string, itemsMax = 10, depthMax = 3) => parseBoundedJson(Buffer.from(text), { itemsMax, depthMax });

test("JSON within the limits is parsed, and what is no JSON is undefined", () => {
  assert.deepEqual(parse('{"a":[1,{"b":"x"}]}'), { a: [1, { b: "x" }] });
  assert.equal(parse("7"), 7);
  for (const text of ["", "{", '"', '"\\', "nothing"]) assert.equal(parse(text), undefined);
});

test("nesting and items beyond the limits are not parsed, wherever they stand", () => {
  assert.deepEqual(parse("[[[]]]"), [[[]]]);
  assert.equal(parse("[[[[]]]]"), undefined);
  assert.equal(parse("[".repeat(100_000)), undefined);
  assert.equal(parse('{"a":'.repeat(100_000)), undefined);
  assert.equal(parse("[1,2,3,4,5,6,7,8,9]")?.constructor, Array);
  assert.equal(parse("[1,2,3,4,5,6,7,8,9,10]"), undefined);
  assert.equal(parse('{"a":1,"b":2,"c":3,"d":4,"e":5}'), undefined);
});

test("marks within texts do not count", () => {
  const text = `{"a":"${"[{,:".repeat(50)}\\\\\\"[[[["}`;
  assert.deepEqual(parse(text), JSON.parse(text));
});

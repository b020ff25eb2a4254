import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findDuplicateKey } from "./duplicate-key.ts";

test("finds the first key that occurs twice in one object, at any depth, however it is written", () => {
  const cases: readonly [json: string, path: string | undefined][] = [
    ['{"a": 1, "b": {"a": 1}}', undefined],
    ['{"a": 1, "a": 2}', "a"],
    ['{"a": {"b": [1, {"c": "}", "d": "\\"", "c": null}]}}', "a.b[1].c"],
    ['[ {"x" : -1.5e3 , "y":true,"x":[] } ]', "[0].x"],
    ['{"\\u0061": 1, "a": 2}', "a"],
    ['{"__proto__": 1, "__proto__": 2}', "__proto__"],
    ['{"": {"": 1}, "b": "a\\\\", "c": "{\\"a\\":1,\\"a\\":2}"}', undefined],
    ['"a"', undefined],
    ["12", undefined],
  ];
  for (const [json, path] of cases) assert.equal(findDuplicateKey(json), path, json);
});

test("finds none in what JSON.stringify writes", () => {
  const any = fc.tuple(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(undefined, 1, "\t"));
  fc.assert(fc.property(any, ([value, space]) => findDuplicateKey(JSON.stringify(value, null, space)) === undefined));
});

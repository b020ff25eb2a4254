import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, copyJson, isJson, type JsonObject, type JsonValue } from "./json.ts";

const jsonObject = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;

const backwards = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(backwards);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, backwards(item)]),
  );
};

test("one text for equal objects in any order of keys, and another for any other value", () => {
  fc.assert(fc.property(jsonObject, (value) => assert.equal(canonicalJson(backwards(value)), canonicalJson(value))));
  const texts = [{}, { a: null }, { a: 0 }, { a: "0" }, { a: [] }, { a: {} }, { a: [0, 1] }, { a: [1, 0] }, { b: null }].map(canonicalJson);
  assert.equal(new Set(texts).size, texts.length);
});

test("a copy is equal, keeps null and every key, and shares nothing", () => {
  fc.assert(fc.property(jsonObject, (value) => assert.equal(JSON.stringify(copyJson(value)), JSON.stringify(value))));
  const value = JSON.parse('{"__proto__": {"constructor": null}, "list": [{"a": null}]}') as JsonObject;
  const copy = copyJson(value);
  assert.deepEqual(Object.keys(copy), ["__proto__", "list"]);
  assert.notEqual(copy.list, value.list);
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
});

test("a number that JSON cannot express is found at any depth", () => {
  fc.assert(fc.property(jsonObject, (value) => assert.equal(isJson(value), true)));
  for (const number of [Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(isJson({ a: [{ b: number }] }), false);
});

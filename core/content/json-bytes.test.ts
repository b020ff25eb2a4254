import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonBytesMax } from "./json-bytes.ts";

test("no value takes more bytes as JSON than its bound", () => {
  const value = fc.jsonValue({ stringUnit: "binary" }).map((json) => ({ json, none: undefined, lone: "\ud800\u0001" }));
  fc.assert(fc.property(value, (v) => Buffer.byteLength(JSON.stringify(v)) <= jsonBytesMax(v)));
});

test("the bound of plain text is near six times its length", () => {
  assert.ok(jsonBytesMax({ title: "x".repeat(1_000) }) < 6_100);
});

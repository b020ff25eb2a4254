import assert from "node:assert/strict";
import { test } from "node:test";
import { anything, between, flag, inWords, list, longest, map, matches, mistakesIn, object, oneOf, text, textOr, whole } from "./fields.ts";

const TABLE = {
  name: text(longest(3)),
  kind: text(oneOf("a", "b")),
  count: whole(between(0, 5)),
  on: flag,
  tags: list(text(matches(/^[a-z]+$/, "lower-case letters"))),
  labels: map(text()),
  either: textOr(object({ deep: whole() })),
  free: anything,
};

const says = (value: unknown, options = {}) => mistakesIn(object(TABLE, options), value, ["root"]).map(inWords);

test("what the table allows is no mistake", () => {
  const good = { name: "😀😀😀", kind: "b", count: 0, on: false, tags: [], labels: { x: "y" }, either: "text", free: null, other: 1 };
  assert.deepEqual(says(good), []);
  assert.deepEqual(says({ either: { deep: 1 } }), []);
});

test("every mistake names its field and its rule", () => {
  const bad = { name: "long", kind: "c", count: 1.5, on: "true", tags: ["x", "Y", 1], labels: { x: 1 }, either: { deep: "1" } };
  assert.deepEqual(says(bad, { required: ["free"] }), [
    "root.name: at most 3 characters",
    "root.kind: one of a, b",
    "root.count takes integer, not number",
    "root.on takes boolean, not string",
    "root.tags.1: lower-case letters",
    "root.tags.2 takes string, not integer",
    "root.labels.x takes string, not integer",
    "root.either.deep takes integer, not string",
    "root.free is missing",
  ]);
  assert.deepEqual(says([]), ["root takes object, not array"]);
});

test("unknown names, other spellings and null are as the provider treats them", () => {
  assert.deepEqual(says({ other: 1, constructor: 1 }, { reportUnknown: true }), ["root.other is unknown", "root.constructor is unknown"]);
  assert.deepEqual(says({ count: null }), ["root.count takes integer, not null"]);
  assert.deepEqual(says({ count: null }, { nullIsAbsent: true, required: ["count"] }), ["root.count is missing"]);
  assert.deepEqual(says({ Count: 9 }, { nameOf: (sent: string) => sent.toLowerCase() }), ["root.count: from 0 to 5"]);
});

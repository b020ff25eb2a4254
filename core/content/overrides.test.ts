import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "./json.ts";
import { protectedFaults, protectedPaths, withOverride } from "./overrides.ts";

test("an override is merged as RFC 7396 has it", () => {
  // The examples of its appendix A, of those that are objects.
  const cases: [JsonObject, JsonObject, JsonObject][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [payload, override, expected] of cases) assert.deepEqual(withOverride(payload, override, []), expected);
});

test("the payload itself is not changed, and stays the same without an override", () => {
  const payload = { a: { b: 1 } };
  assert.equal(withOverride(payload, undefined, [["a"]]), payload);
  withOverride(payload, { a: { b: 2 } }, []);
  assert.deepEqual(payload, { a: { b: 1 } });
});

test("keys that mean something to JavaScript are keys", () => {
  const patch = JSON.parse('{"__proto__":{"polluted":true},"constructor":"x"}') as JsonObject;
  const merged = withOverride({}, patch, []);
  assert.deepEqual(Object.keys(merged), ["__proto__", "constructor"]);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

const paths = protectedPaths("token", "message.to", "headers.List-Unsubscribe*", "list.*.id");

test("what is protected is as it was, whichever way an override names it", () => {
  const payload = { token: "t", message: { to: [{ email: "a" }], subject: "s" }, headers: { "List-Unsubscribe": "<u>" } };
  const merge = (override: JsonObject) => withOverride(payload, override, paths);
  assert.deepEqual(merge({ token: "x", Token: "y" }), payload);
  assert.deepEqual(merge({ token: null }), payload);
  assert.deepEqual(merge({ message: { to: [], subject: "S", tags: ["x"] } }), {
    ...payload,
    message: { to: [{ email: "a" }], subject: "S", tags: ["x"] },
  });
  assert.deepEqual(merge({ message: "x" }), payload);
  assert.deepEqual(merge({ message: null }), payload);
  assert.deepEqual(merge({ headers: { "list-unsubscribe-post": "x", "X-A": "1" } }), {
    ...payload,
    headers: { "List-Unsubscribe": "<u>", "X-A": "1" },
  });
  assert.deepEqual(merge({ list: { a: { id: 1, n: 2 } } }), { ...payload, list: { a: { n: 2 } } });
});

test("each protected path that an override names is a fault of its own, in the override's spelling", () => {
  const faults = (override: JsonObject | undefined) =>
    protectedFaults("content.push.overrides.fcm", override, paths).map(({ field, rule }) => `${field} ${rule}`);
  assert.deepEqual(faults(undefined), []);
  assert.deepEqual(faults({ message: { subject: "s" }, headers: { "X-A": "1" } }), []);
  const at = (...names: string[]) => names.map((name) => `content.push.overrides.fcm.${name} override.protected`);
  assert.deepEqual(
    faults({ TOKEN: null, message: { to: { email: "b" } }, headers: { "LIST-unsubscribe-post": "x" }, list: { a: { id: 1 } } }),
    at("TOKEN", "message.to", "headers.LIST-unsubscribe-post", "list.a.id"),
  );
  assert.deepEqual(faults({ message: null, headers: "x" }), at("message", "headers"));
});

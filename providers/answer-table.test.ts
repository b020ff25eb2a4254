import assert from "node:assert/strict";
import { test } from "node:test";
import { answerTable, rejected, throttled } from "./answer-table.ts";

const table = answerTable<{ waitMs: number }>({ 413: rejected("too-large"), 429: ({ waitMs }) => throttled("too-many", waitMs) });

test("a listed code has its outcome, by number or word, with what else the answer says", () => {
  assert.deepEqual(table.outcomeOf(413, { waitMs: 0 }), { kind: "rejected", reason: "too-large" });
  assert.deepEqual(table.outcomeOf("429", { waitMs: 7 }), { kind: "throttled", reason: "too-many", retryAfterMs: 7 });
});

test("what is not listed has none, also where every object has something of that name", () => {
  for (const code of [undefined, 500, "", "constructor", "__proto__"])
    assert.equal(table.outcomeOf(code, { waitMs: 0 }), undefined, `${code}`);
});

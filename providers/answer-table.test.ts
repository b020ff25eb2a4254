import assert from "node:assert/strict";
import { test } from "node:test";
import { answerTable, rejected, throttled, undocumented } from "./answer-table.ts";

const table = answerTable<{ waitMs: number }>({ 413: rejected("too-large"), 429: ({ waitMs }) => throttled("too-many", waitMs) });

test("a listed code has its outcome, by number or word, with what else the answer says", () => {
  assert.deepEqual(table.outcomeOf(413, { waitMs: 0 }), { kind: "rejected", reason: "too-large" });
  assert.deepEqual(table.outcomeOf("429", { waitMs: 7 }), { kind: "throttled", reason: "too-many", retryAfterMs: 7 });
});

test("what is not listed has none, also where every object has something of that name", () => {
  for (const code of [undefined, 500, "", "constructor", "__proto__"])
    assert.equal(table.outcomeOf(code, { waitMs: 0 }), undefined, `${code}`);
});

test("an undocumented status ends a delivery only where the provider rejected it", () => {
  for (const status of [407, 408, 421, 425])
    assert.deepEqual(undocumented(status), { kind: "unavailable", fault: { code: `http-${status}` } }, "not processed: tried again");
  for (const status of [400, 404, 418, 422, 431, 451, 499]) assert.equal(undocumented(status).kind, "rejected");
  for (const status of [200, 302, 500, 502, 504, 529]) assert.equal(undocumented(status).kind, "unanswered");
});

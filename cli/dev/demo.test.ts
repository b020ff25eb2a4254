import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "./demo.ts";

test("a demo that has not finished is told apart from one that broke a promise", () => {
  const [holds, breaks] = [{ holds: true }, { holds: false }];
  assert.equal(verdictOf({ checks: [holds, holds], open: 0, ended: 9 }, 9), "holds");
  assert.equal(verdictOf({ checks: [holds, holds], open: 2, ended: 7 }, 9), "unfinished");
  assert.equal(verdictOf({ checks: [holds, breaks], open: 2, ended: 7 }, 9), "broken");
  assert.equal(verdictOf({ checks: [holds, breaks], open: 0, ended: 9 }, 9), "broken");
  // One that was accepted and is nowhere.
  assert.equal(verdictOf({ checks: [holds, holds], open: 0, ended: 8 }, 9), "broken");
});

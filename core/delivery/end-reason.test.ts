import assert from "node:assert/strict";
import { test } from "node:test";
import { END_REASONS, type EndReason, endReason, isEnd } from "./end-reason.ts";
import { END_STATES, type EndState, OPEN_STATES } from "./notification.ts";

const CASES: readonly [EndState, string | undefined, EndReason][] = [
  ["sent", undefined, "none"],
  ["delivered", "", "none"],
  ["sent", "an earlier attempt arrived", "earlier-attempt-arrived"],
  ["sent", "undelivered: 30003", "undelivered"],
  ["sent", "message split", "warning"],
  ["suppressed", "opted-out", "opted-out"],
  ["suppressed", "no-endpoint", "no-endpoint"],
  ["expired", "expired", "expired"],
  ["expired", "misconfigured: InvalidProviderToken", "misconfigured"],
  ["expired", "throttled: 429", "throttled"],
  ["failed", "attempts-exhausted: http-503", "attempts-exhausted"],
  ["failed", "endpoint-gone: Unregistered", "endpoint-gone"],
  ["failed", "rejected: anything: the provider likes", "rejected"],
  ["failed", "outcome-unknown", "outcome-unknown"],
  ["failed", "undelivered: 30003", "undelivered"],
  ["failed", "poison", "poison"],
  ["failed", "something of +4915112345678's", "other"],
  ["failed", "constructor", "other"],
];
for (const [state, reason, expected] of CASES)
  test(`${state} by "${reason}" counts as ${expected}`, () => assert.equal(endReason(state, reason), expected));

test("whatever a provider says, there are no more reasons than these", () => {
  const seen = new Set(Array.from({ length: 1_000 }, (_, i) => endReason("failed", i % 2 ? `word-${i}` : `rejected: word-${i}`)));
  assert.deepEqual(seen, new Set(["rejected", "other"]));
  assert.ok(END_REASONS.length <= 16);
});

test("an end is none of the open states", () => {
  assert.ok(END_STATES.every(isEnd));
  assert.ok(![...OPEN_STATES, undefined].some(isEnd));
});

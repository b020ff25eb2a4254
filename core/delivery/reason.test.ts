import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { END_STATES, isEnd, OPEN_STATES } from "./notification.ts";
import type { Outcome } from "./outcome.ts";
import { outcomeReason, REASON_CODES, type Reason, reason, reasonText } from "./reason.ts";
import { REASON_WORDS, withDetail } from "./reason-words.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/reasons.md"), "utf8");

test("docs/reasons.md explains every code, and no other, in the order of the list and in the words of the table", () => {
  const rows = [...PAGE.split("\nDetails ")[0]!.matchAll(/^\| `.*$/gm)].map(([row]) => row);
  const expected = REASON_CODES.map((code) => {
    const { states, means, advice } = REASON_WORDS[code];
    return `| \`${code}\` | ${states} | ${withDetail(means, undefined)} | ${withDetail(advice, undefined)} |`;
  });
  assert.deepEqual(rows, expected);
});

test("a bounce is explained for the delivery that bounced and for those that are not sent since", () => {
  const { states, means } = REASON_WORDS.bounced;
  assert.deepEqual(
    states.split(", ").sort(),
    [...means.matchAll(/(Failed|Suppressed): \w/g)].map(([, state]) => state!.toLowerCase()).sort(),
  );
});

const OUTCOMES: readonly [Outcome, Reason | undefined][] = [
  [{ kind: "accepted", providerRef: "r" }, undefined],
  [
    { kind: "accepted", providerRef: "r", warning: "queued: sending-paused" },
    { code: "warning", detail: "queued: sending-paused" },
  ],
  [
    { kind: "throttled", retryAfterMs: 1, reason: "429" },
    { code: "throttled", detail: "429" },
  ],
  [
    { kind: "unavailable", fault: { code: "http-503" } },
    { code: "unavailable", detail: "http-503" },
  ],
  [
    { kind: "unanswered", fault: { code: "reset" } },
    { code: "outcome-unknown", detail: "reset" },
  ],
  [
    { kind: "endpoint-gone", reason: "Unregistered", goneAt: 1 },
    { code: "endpoint-gone", detail: "Unregistered" },
  ],
  [
    { kind: "rejected", reason: "PayloadTooLarge" },
    { code: "rejected", detail: "PayloadTooLarge" },
  ],
  [
    { kind: "misconfigured", reason: "BadTopic" },
    { code: "misconfigured", detail: "BadTopic" },
  ],
];
for (const [outcome, expected] of OUTCOMES)
  test(`the reason of "${outcome.kind}" is ${expected ? reasonText(expected) : "none"}`, () => {
    assert.deepEqual(outcomeReason(outcome), expected);
  });

test("a reason without a detail has no such field", () => {
  assert.deepEqual([reason("poison"), reason("undelivered", "")], [{ code: "poison" }, { code: "undelivered" }]);
  assert.ok(!("detail" in reason("poison", undefined)));
});

test("an end is none of the open states", () => {
  assert.ok(END_STATES.every(isEnd));
  assert.ok(![...OPEN_STATES, undefined].some(isEnd));
});

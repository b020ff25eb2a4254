import assert from "node:assert/strict";
import { test } from "node:test";
import { BACKOFF_LONGEST_MS, backoffMs } from "./backoff.ts";
import {
  ATTEMPT_COUNT_MAX,
  type AttemptSituation,
  type Decision,
  decide,
  decideUncertain,
  MISCONFIGURED_WAIT_MS,
  NO_CONNECTION_SLOT,
  nextStatusQueryAt,
  STATUS_QUERY_FIRST_MS,
} from "./decide.ts";
import type { Outcome } from "./outcome.ts";

const NOW = 1_000_000;
const situation: AttemptSituation = {
  attempt: 1,
  now: NOW,
  expiresAt: NOW + 3_600_000,
  hasFallback: false,
  random: 0,
};
const fault = { code: "http-503" };

const table: [string, Outcome, Partial<AttemptSituation>, Decision][] = [
  ["an accepted attempt is sent", { kind: "accepted", providerRef: "r" }, {}, { kind: "sent", providerRef: "r", reason: undefined }],
  [
    "an endpoint that is gone fails at once",
    { kind: "endpoint-gone", reason: "Unregistered", goneAt: 1 },
    {},
    { kind: "failed", reason: { code: "endpoint-gone", detail: "Unregistered" } },
  ],
  [
    "rejected content fails at once",
    { kind: "rejected", reason: "PayloadTooLarge" },
    {},
    { kind: "failed", reason: { code: "rejected", detail: "PayloadTooLarge" } },
  ],
  [
    "an unavailable provider is tried again after the backoff",
    { kind: "unavailable", fault },
    {},
    { kind: "retry", at: NOW + 1_000, reason: { code: "unavailable", detail: "http-503" } },
  ],
  [
    "a call that was never made uses up no attempt",
    { kind: "unavailable", fault: { code: NO_CONNECTION_SLOT } },
    { attempt: ATTEMPT_COUNT_MAX },
    { kind: "retry", at: NOW + backoffMs(ATTEMPT_COUNT_MAX, 0), reason: { code: "unavailable", detail: NO_CONNECTION_SLOT } },
  ],
  [
    "the provider's own time wins when it is longer",
    { kind: "throttled", retryAfterMs: 90_000, reason: "429" },
    {},
    { kind: "retry", at: NOW + 90_000, reason: { code: "throttled", detail: "429" } },
  ],
  [
    "a second provider is tried at once",
    { kind: "throttled", retryAfterMs: 90_000, reason: "429" },
    { hasFallback: true },
    { kind: "retry", at: NOW, reason: { code: "throttled", detail: "429" } },
  ],
  [
    "a retry that would come after expiry is an expiry",
    { kind: "unavailable", fault },
    { expiresAt: NOW + 500 },
    { kind: "expired", reason: { code: "unavailable", detail: "http-503" } },
  ],
  [
    "the last attempt fails",
    { kind: "unavailable", fault },
    { attempt: ATTEMPT_COUNT_MAX },
    { kind: "failed", reason: { code: "attempts-exhausted", detail: "http-503" } },
  ],
  [
    "a misconfigured provider's work is kept, however many attempts",
    { kind: "misconfigured", reason: "BadTopic" },
    { attempt: 99 },
    { kind: "retry", at: NOW + MISCONFIGURED_WAIT_MS, reason: { code: "misconfigured", detail: "BadTopic" } },
  ],
  [
    "an unknown outcome is never simply retried",
    { kind: "unanswered", fault: { code: "reset" } },
    { hasFallback: true },
    { kind: "uncertain", reason: { code: "outcome-unknown", detail: "reset" } },
  ],
];

for (const [name, outcome, over, decision] of table) {
  test(name, () => assert.deepEqual(decide(outcome, { ...situation, ...over }), decision));
}

test("of the classes only critical repeats an unknown outcome, and only once, and not after expiry", () => {
  const s = { policyResend: false, now: NOW, expiresAt: NOW + 1 };
  assert.equal(decideUncertain({ ...s, notificationClass: "critical" }).kind, "retry");
  assert.equal(decideUncertain({ ...s, notificationClass: "critical", policyResend: true }).kind, "failed");
  assert.equal(decideUncertain({ ...s, notificationClass: "critical", expiresAt: NOW }).kind, "failed");
  assert.equal(decideUncertain({ ...s, notificationClass: "transactional" }).kind, "failed");
  assert.equal(decideUncertain({ ...s, notificationClass: "marketing" }).kind, "failed");
});

test("an unknown outcome is queried later each time, and when the policy decides at the latest", () => {
  const until = NOW + 20_000;
  assert.equal(nextStatusQueryAt(NOW, NOW, until), NOW + STATUS_QUERY_FIRST_MS);
  assert.equal(nextStatusQueryAt(NOW, NOW + 3_000, until), NOW + 12_000);
  assert.equal(nextStatusQueryAt(NOW, NOW + 6_000, until), until);
});

test("a wait that is no number counts as none, so that the next attempt has a due time", () => {
  for (const retryAfterMs of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    for (const outcome of [
      { kind: "throttled", retryAfterMs, reason: "429" } as const,
      { kind: "unavailable", fault, retryAfterMs } as const,
    ])
      assert.deepEqual([retryAfterMs, (decide(outcome, situation) as { at?: number }).at], [retryAfterMs, NOW + 1_000]);
  }
});

test("backoff doubles, keeps its bound, and spreads over half of itself", () => {
  assert.deepEqual(
    [1, 2, 3].map((n) => backoffMs(n, 0)),
    [1_000, 2_000, 4_000],
  );
  assert.equal(backoffMs(1, 0.5), 1_500);
  assert.ok(backoffMs(1_000, 0.999) <= BACKOFF_LONGEST_MS);
});

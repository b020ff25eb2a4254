import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BACKOFF_LONGEST_MS, backoffMs } from "./backoff.ts";
import {
  ASKED_WAIT_LONGEST_MS,
  type AttemptSituation,
  type Decision,
  decide,
  LAST_CALL_MS,
  LAST_CALL_WAIT_MS,
  LAST_TRY_MS,
  MISCONFIGURED_WAIT_MS,
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
    "a repetition of what may have been sent fails where it is too late for another",
    { kind: "unavailable", fault },
    { expiresAt: NOW + 1_000, mayHaveGone: true },
    { kind: "failed", reason: { code: "outcome-unknown" } },
  ],
  [
    "a misconfigured provider is tried again once an operator may have acted",
    { kind: "misconfigured", reason: "BadTopic" },
    {},
    { kind: "retry", at: NOW + MISCONFIGURED_WAIT_MS, reason: { code: "misconfigured", detail: "BadTopic" } },
  ],
  [
    "a provider that asks for longer than there is time is tried once more before the expiry",
    { kind: "throttled", retryAfterMs: 3_600_000, reason: "429" },
    { expiresAt: NOW + 600_000 },
    { kind: "retry", at: NOW + 600_000 - LAST_TRY_MS, reason: { code: "throttled", detail: "429" } },
  ],
  [
    "what expires together is not tried together for the last time",
    { kind: "throttled", retryAfterMs: 3_600_000, reason: "429" },
    { expiresAt: NOW + 600_000, random: 0.5 },
    { kind: "retry", at: NOW + 600_000 - 1.5 * LAST_TRY_MS, reason: { code: "throttled", detail: "429" } },
  ],
  [
    "what has less time left than that is tried shortly before its expiry",
    { kind: "misconfigured", reason: "key" },
    { attempt: 9, expiresAt: NOW + 2 * LAST_TRY_MS - 1 },
    { kind: "retry", at: NOW + 2 * LAST_TRY_MS - 1 - LAST_CALL_MS, reason: { code: "misconfigured", detail: "key" } },
  ],
  [
    "what expires together is not tried together then either",
    { kind: "misconfigured", reason: "key" },
    { attempt: 9, expiresAt: NOW + LAST_TRY_MS, random: 0.5 },
    { kind: "retry", at: NOW + LAST_TRY_MS - 1.5 * LAST_CALL_MS, reason: { code: "misconfigured", detail: "key" } },
  ],
  [
    "there is a last call while there is time for one",
    { kind: "unavailable", fault },
    { attempt: 9, expiresAt: NOW + LAST_CALL_WAIT_MS + 1 },
    { kind: "retry", at: NOW + LAST_CALL_WAIT_MS, reason: { code: "unavailable", detail: "http-503" } },
  ],
  [
    "where there is none, a longer wait is an expiry",
    { kind: "unavailable", fault },
    { attempt: 9, expiresAt: NOW + LAST_CALL_WAIT_MS },
    { kind: "expired", reason: { code: "unavailable", detail: "http-503" } },
  ],
  [
    "no provider asks for a year",
    { kind: "unavailable", fault, retryAfterMs: 31_536_000_000 },
    { expiresAt: NOW + 86_400_000 },
    { kind: "retry", at: NOW + ASKED_WAIT_LONGEST_MS, reason: { code: "unavailable", detail: "http-503" } },
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
  for (const attempt of [0, 1_000, 1e9, Number.MAX_SAFE_INTEGER]) {
    const waitMs = backoffMs(attempt, 0.999);
    assert.ok(waitMs > 0 && waitMs <= BACKOFF_LONGEST_MS, `${attempt}: ${waitMs}`);
  }
});

const asked = fc.oneof(fc.constant(undefined), fc.integer({ min: -1 }), fc.double());
const notSent: fc.Arbitrary<Outcome> = fc.oneof(
  asked.map((retryAfterMs): Outcome => ({ kind: "throttled", retryAfterMs, reason: "429" })),
  asked.map((retryAfterMs): Outcome => ({ kind: "unavailable", fault, retryAfterMs })),
  fc.constant<Outcome>({ kind: "misconfigured", reason: "key" }),
);

test("what is known not to have been sent ends by its expiry alone, whatever the attempt's number and the provider's wishes", () => {
  const random = fc.double({ min: 0, max: 0.999, noNaN: true });
  const attempts = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1 }));
  const lifetimes = fc.oneof(fc.integer({ min: 0, max: 120_000 }), fc.integer({ min: 0, max: 2_419_200_000 }));
  fc.assert(
    fc.property(notSent, attempts, lifetimes, random, fc.boolean(), (outcome, attempt, leftMs, r, hasFallback) => {
      const expiresAt = NOW + leftMs;
      const decision = decide(outcome, { attempt, now: NOW, expiresAt, hasFallback, random: r });
      if (decision.kind !== "retry") return assert.equal(decision.kind, "expired");
      assert.ok(Number.isInteger(decision.at) && decision.at >= NOW && decision.at < expiresAt);
      if (!hasFallback) assert.ok(decision.at > NOW && decision.at <= NOW + Math.max(ASKED_WAIT_LONGEST_MS, BACKOFF_LONGEST_MS));
    }),
  );
  const ends = fc.sample(fc.tuple(notSent, attempts), 1_000);
  for (const [outcome, attempt] of ends)
    for (const leftMs of [2 * LAST_TRY_MS, LAST_TRY_MS, LAST_CALL_WAIT_MS + 1])
      assert.equal(decide(outcome, { ...situation, attempt, expiresAt: NOW + leftMs }).kind, "retry", "there is time for one more");
});

/** The times of the calls of one delivery, while each ends with the outcome. */
function callsDuring(lifetimeMs: number, outcome: Outcome, random: () => number): number[] {
  const times: number[] = [];
  for (let attempt = 1, now = 0; ; attempt++) {
    times.push(now);
    const decision = decide(outcome, { attempt, now, expiresAt: lifetimeMs, hasFallback: false, random: random() });
    if (decision.kind !== "retry") return times;
    now = decision.at;
  }
}

test("an outage of a day costs a delivery few calls, the last one shortly before it expires", () => {
  const hour = 3_600_000;
  for (const [outcome, most] of [
    [{ kind: "unavailable", fault }, 180],
    [{ kind: "misconfigured", reason: "key" }, 180],
    [{ kind: "throttled", reason: "daily-limit", retryAfterMs: hour }, 25],
  ] as const) {
    for (const random of [() => 0, () => 0.999, Math.random]) {
      const times = callsDuring(20 * hour, outcome, random);
      assert.ok(times.length <= most, `${outcome.kind}: ${times.length} calls`);
      const last = 20 * hour - times.at(-1)!;
      assert.ok(last <= LAST_CALL_MS, `${outcome.kind}: ${last} ms before the expiry`);
    }
  }
});

test("a one-time password that lives for a minute is tried nine times", () => {
  assert.equal(callsDuring(60_000, { kind: "unavailable", fault }, () => 0.5).length, 9);
});
